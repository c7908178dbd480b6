import RillBase
import RillJSON
import Testing

@testable import RillNetwork

private func model() throws -> Model {
  var text =
    #"{"input": {"kind": "vector", "size": 1}, "layers": [{"type": "rnn", "hidden_size": 3}, {"type": "dense", "output_size": 1}]}"#
  let document = try text.withUTF8 { try JSONDocument(parsing: UnsafeRawBufferPointer($0)) }
  return try Model(try Network(try Architecture(document.root)), seed: 3)
}

private func step(_ stream: Stream) -> Float {
  var y: Float = 0
  #expect(stream.run(1, [0.5], nil, &y) == 1)
  return y
}

@Test func streamsComputeFromTheSnapshotTheyPinned() throws {
  let model = try model()
  let old = try Stream(model, batchSize: 1)
  let before = step(old)
  for i in 0..<model.values.count { model.values.pointer[i] *= 2 }
  for _ in 0..<5 { try model.publish() }
  old.reset()
  #expect(step(old) == before)
  let new = try Stream(model, batchSize: 1)
  let after = step(new)
  #expect(after != before)
  old.refresh()
  old.reset()
  #expect(step(old) == after)
}

@Test func snapshotsThatNobodyUsesAreFreed() throws {
  let model = try model()
  var streams: [Stream] = []
  for _ in 0..<4 {
    streams.append(try Stream(model, batchSize: 1))
    try model.publish()
  }
  #expect(model.snapshotCount == 5)
  streams.removeAll()
  try model.publish()
  #expect(model.snapshotCount == 1)
}

@Test func parametersHaveOneUserAtATime() throws {
  let model = try model()
  try model.access.take()
  #expect(throws: RillError.self) { try model.access.take() }
  model.access.release()
  try model.access.take()
  model.access.release()
}

@Test func publishingRefusesParametersThatAreNotFinite() throws {
  let model = try model()
  let stream = try Stream(model, batchSize: 1)
  let before = step(stream)
  model.values.pointer[0] = .nan
  #expect(throws: RillError.self) { try model.publish() }
  stream.refresh()
  stream.reset()
  #expect(step(stream) == before)
}
