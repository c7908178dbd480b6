import CRill
import RillBase
import RillCheckpoint
import RillNetwork
import RillTraining

@implementation @_cdecl("rill_trainer_create")
public func rill_trainer_create(
  _ model: OpaquePointer!, _ seed: UInt64, _ options: UnsafePointer<CChar>!, _ trainer: UnsafeMutablePointer<OpaquePointer?>!
) -> rill_status {
  status { () throws(RillError) in
    let out = try required(trainer, "trainer")
    out.pointee = nil
    let model: Model = try object(model, "model")
    out.pointee = retained(try Trainer(model, seed: seed, options: try parseOptions(options)))
  }
}

@implementation @_cdecl("rill_trainer_destroy")
public func rill_trainer_destroy(_ trainer: OpaquePointer!) { release(trainer, Trainer.self) }

@implementation @_cdecl("rill_trainer_describe")
public func rill_trainer_describe(
  _ trainer: OpaquePointer!, _ buffer: UnsafeMutablePointer<CChar>!, _ capacity: Int, _ length: UnsafeMutablePointer<Int>!
) -> rill_status {
  status { () throws(RillError) in
    let trainer: Trainer = try object(trainer, "trainer")
    let length = try required(length, "length")
    try give(try Checkpoint.describe(trainer), buffer, capacity, length)
  }
}

@implementation @_cdecl("rill_trainer_update")
public func rill_trainer_update(_ trainer: OpaquePointer!, _ batch: OpaquePointer!, _ loss: UnsafeMutablePointer<Double>!) -> rill_status {
  status { () throws(RillError) in
    let trainer: Trainer = try object(trainer, "trainer")
    let value = try trainer.update(try object(batch, "batch"))
    loss?.pointee = value
  }
}

@implementation @_cdecl("rill_trainer_evaluate")
public func rill_trainer_evaluate(_ trainer: OpaquePointer!, _ batch: OpaquePointer!) -> rill_status {
  status { () throws(RillError) in
    let trainer: Trainer = try object(trainer, "trainer")
    try trainer.evaluate(try object(batch, "batch"))
  }
}

@implementation @_cdecl("rill_trainer_reset_metrics")
public func rill_trainer_reset_metrics(_ trainer: OpaquePointer!) -> rill_status {
  status { () throws(RillError) in
    let trainer: Trainer = try object(trainer, "trainer")
    trainer.resetMetrics()
  }
}

@implementation @_cdecl("rill_trainer_get_metric")
public func rill_trainer_get_metric(
  _ trainer: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ value: UnsafeMutablePointer<Double>!
) -> rill_status {
  status { () throws(RillError) in
    let trainer: Trainer = try object(trainer, "trainer")
    let name = try required(name, "name")
    let value = try required(value, "value")
    value.pointee = try trainer.metric(name)
  }
}

@implementation @_cdecl("rill_trainer_get_gradient")
public func rill_trainer_get_gradient(
  _ trainer: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ values: UnsafeMutablePointer<Float>!, _ value_count: Int
) -> rill_status {
  status { () throws(RillError) in
    let trainer: Trainer = try object(trainer, "trainer")
    let parameter = try parameter(trainer.model, name)
    let values = try required(values, "values")
    try check(value_count, parameter.count, "value_count")
    try trainer.getGradient(parameter, values)
  }
}

@implementation @_cdecl("rill_trainer_get_learning_rate")
public func rill_trainer_get_learning_rate(_ trainer: OpaquePointer!, _ learning_rate: UnsafeMutablePointer<Double>!) -> rill_status {
  status { () throws(RillError) in
    let trainer: Trainer = try object(trainer, "trainer")
    try required(learning_rate, "learning_rate").pointee = trainer.optimizer.learningRate
  }
}

@implementation @_cdecl("rill_trainer_set_learning_rate")
public func rill_trainer_set_learning_rate(_ trainer: OpaquePointer!, _ learning_rate: Double) -> rill_status {
  status { () throws(RillError) in
    let trainer: Trainer = try object(trainer, "trainer")
    guard learning_rate >= 0, learning_rate <= Double(Float.greatestFiniteMagnitude) else {
      throw .argument("learning_rate: must be from 0 to the largest float32")
    }
    trainer.optimizer.learningRate = learning_rate
  }
}
