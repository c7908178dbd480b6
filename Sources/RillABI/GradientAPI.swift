import CRill
import RillBase
import RillNetwork
import RillTraining

@implementation @_cdecl("rill_trainer_evaluate_gradients")
public func rill_trainer_evaluate_gradients(
  _ trainer: OpaquePointer!, _ batch: OpaquePointer!, _ loss: UnsafeMutablePointer<Double>!
) -> rill_status {
  status { () throws(RillError) in
    let trainer: Trainer = try object(trainer, "trainer")
    let value = try trainer.evaluateGradients(try object(batch, "batch"))
    loss?.pointee = value
  }
}

@implementation @_cdecl("rill_trainer_update_from_gradients")
public func rill_trainer_update_from_gradients(_ trainer: OpaquePointer!) -> rill_status {
  status { () throws(RillError) in
    let trainer: Trainer = try object(trainer, "trainer")
    try trainer.updateFromGradients()
  }
}

@implementation @_cdecl("rill_trainer_get_gradients_count")
public func rill_trainer_get_gradients_count(_ trainer: OpaquePointer!, _ count: UnsafeMutablePointer<Int>!) -> rill_status {
  status { () throws(RillError) in
    let trainer: Trainer = try object(trainer, "trainer")
    try required(count, "count").pointee = trainer.flatGradientCount
  }
}

@implementation @_cdecl("rill_trainer_get_gradients")
public func rill_trainer_get_gradients(
  _ trainer: OpaquePointer!, _ values: UnsafeMutablePointer<Float>!, _ value_count: Int
) -> rill_status {
  status { () throws(RillError) in
    let trainer: Trainer = try object(trainer, "trainer")
    let values = try required(values, "values")
    try check(value_count, trainer.flatGradientCount, "value_count")
    try trainer.getGradients(values)
  }
}

@implementation @_cdecl("rill_trainer_set_gradients")
public func rill_trainer_set_gradients(_ trainer: OpaquePointer!, _ values: UnsafePointer<Float>!, _ value_count: Int) -> rill_status {
  status { () throws(RillError) in
    let trainer: Trainer = try object(trainer, "trainer")
    let values = try required(values, "values")
    try check(value_count, trainer.flatGradientCount, "value_count")
    try checkFinite(values, value_count, "values")
    guard values[value_count - 1] > 0 else { throw .argument("values: the last, what a mean divides by, must be greater than 0") }
    trainer.setGradients(values)
  }
}
