import CRill
import RillBase
import RillNetwork
import RillTraining

@implementation @_cdecl("rill_trainer_set_validation_loss")
public func rill_trainer_set_validation_loss(_ trainer: OpaquePointer!, _ loss: Double) -> rill_status {
  status { () throws(RillError) in
    let trainer: Trainer = try object(trainer, "trainer")
    try trainer.setValidationLoss(loss)
  }
}

@implementation @_cdecl("rill_trainer_copy_parameters")
public func rill_trainer_copy_parameters(_ trainer: OpaquePointer!, _ source: UnsafePointer<CChar>!, _ model: OpaquePointer!) -> rill_status
{
  status { () throws(RillError) in
    let trainer: Trainer = try object(trainer, "trainer")
    let source = try required(source, "source")
    try trainer.copyParameters(source, into: try object(model, "model"))
  }
}
