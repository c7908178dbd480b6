import CRill
import RillBase
import RillNetwork

@implementation @_cdecl("rill_model_get_parameter_count")
public func rill_model_get_parameter_count(_ model: OpaquePointer!, _ parameter_count: UnsafeMutablePointer<Int>!) -> rill_status {
  status { () throws(RillError) in
    let model: Model = try object(model, "model")
    try required(parameter_count, "parameter_count").pointee = model.network.parameters.count
  }
}

@implementation @_cdecl("rill_model_get_parameter_name")
public func rill_model_get_parameter_name(
  _ model: OpaquePointer!, _ index: Int, _ buffer: UnsafeMutablePointer<CChar>!, _ capacity: Int, _ length: UnsafeMutablePointer<Int>!
) -> rill_status {
  status { () throws(RillError) in
    let model: Model = try object(model, "model")
    let length = try required(length, "length")
    let parameters = model.network.parameters
    guard parameters.indices.contains(index) else {
      throw .argument("index: is \(UInt(bitPattern: index)), but the model has \(parameters.count) parameters")
    }
    try parameters[index].name.withCString { (text) throws(RillError) in
      try give(bytes(text), buffer, capacity, length)
    }
  }
}

@implementation @_cdecl("rill_model_get_parameter_shape")
public func rill_model_get_parameter_shape(
  _ model: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ shape: UnsafeMutablePointer<Int>!, _ shape_capacity: Int,
  _ rank: UnsafeMutablePointer<Int>!
) -> rill_status {
  status { () throws(RillError) in
    let model: Model = try object(model, "model")
    let parameter = try parameter(model, name)
    let shape = try required(shape, "shape")
    let rank = try required(rank, "rank")
    let needed = parameter.columns == nil ? 1 : 2
    guard UInt(bitPattern: shape_capacity) >= UInt(needed) else {
      throw .argument("shape_capacity: is \(shape_capacity), but \(parameter.name) has rank \(needed)")
    }
    rank.pointee = needed
    shape[0] = parameter.rows
    if let columns = parameter.columns { shape[1] = columns }
  }
}

@implementation @_cdecl("rill_model_get_parameter")
public func rill_model_get_parameter(
  _ model: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ values: UnsafeMutablePointer<Float>!, _ value_count: Int
) -> rill_status {
  status { () throws(RillError) in
    let model: Model = try object(model, "model")
    let parameter = try parameter(model, name)
    let values = try required(values, "values")
    try check(value_count, parameter.count, "value_count")
    try model.access.take()
    values.copy(model.values.pointer + parameter.offset, parameter.count)
    model.access.release()
  }
}

@implementation @_cdecl("rill_model_set_parameter")
public func rill_model_set_parameter(
  _ model: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ values: UnsafePointer<Float>!, _ value_count: Int
) -> rill_status {
  status { () throws(RillError) in
    let model: Model = try object(model, "model")
    let parameter = try parameter(model, name)
    let values = try required(values, "values")
    try check(value_count, parameter.count, "value_count")
    try checkFinite(values, value_count, "values")
    try model.access.take()
    (model.values.pointer + parameter.offset).copy(values, parameter.count)
    model.access.release()
  }
}

/// The parameter of that name, or an error that says the name.
func parameter(_ model: Model, _ name: UnsafePointer<CChar>?) throws(RillError) -> Parameter {
  let name = try required(name, "name")
  guard let parameter = model.network.parameter(named: name) else {
    throw .argument("name: the model has no parameter \(boundedText(name, maximumBytes: 128))")
  }
  return parameter
}
