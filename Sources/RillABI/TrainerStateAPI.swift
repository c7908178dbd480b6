import CRill
import RillBase
import RillNetwork
import RillTraining

@implementation @_cdecl("rill_trainer_reset_state")
public func rill_trainer_reset_state(_ trainer: OpaquePointer!) -> rill_status {
  status { () throws(RillError) in
    let trainer: Trainer = try object(trainer, "trainer")
    try trainer.resetState()
  }
}

@implementation @_cdecl("rill_trainer_reset_state_lane")
public func rill_trainer_reset_state_lane(_ trainer: OpaquePointer!, _ lane: Int) -> rill_status {
  status { () throws(RillError) in
    let trainer: Trainer = try object(trainer, "trainer")
    try trainer.resetState(lane: lane)
  }
}

@implementation @_cdecl("rill_trainer_set_state")
public func rill_trainer_set_state(_ trainer: OpaquePointer!, _ stream: OpaquePointer!) -> rill_status {
  status { () throws(RillError) in
    let trainer: Trainer = try object(trainer, "trainer")
    try trainer.setState(try object(stream, "stream"))
  }
}

@implementation @_cdecl("rill_trainer_get_state")
public func rill_trainer_get_state(_ trainer: OpaquePointer!, _ stream: OpaquePointer!) -> rill_status {
  status { () throws(RillError) in
    let trainer: Trainer = try object(trainer, "trainer")
    try trainer.getState(try object(stream, "stream"))
  }
}
