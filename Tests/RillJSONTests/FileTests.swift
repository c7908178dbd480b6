import CPlatform
import Foundation
import Testing

@Suite struct FileTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  func replace(_ path: String, _ text: String) -> Int32 { rill__replace_file(path, text, text.utf8.count) }

  func read(_ path: String, limit: Int = 1 << 20) -> (status: Int32, text: String?) {
    var data: UnsafeMutableRawPointer?
    var size = 7
    let status = rill__read_file(path, limit, &data, &size)
    defer { rill__free(data) }
    guard let data else { return (status, size == 0 ? nil : "a size without data") }
    let isTerminated = data.load(fromByteOffset: size, as: UInt8.self) == 0
    return (status, isTerminated ? String(decoding: UnsafeRawBufferPointer(start: data, count: size), as: UTF8.self) : "no NUL")
  }

  func permissions(_ path: String) throws -> Int {
    try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
  }

  // MARK: replacing

  @Test func aNewFileIsWrittenWhole() throws {
    #expect(replace(directory["new"], "one") == 0)
    #expect(try String(contentsOfFile: directory["new"], encoding: .utf8) == "one")
    #expect(replace(directory["empty"], "") == 0)
    #expect(read(directory["empty"]).text == "")
    #expect(try directory.names == ["empty", "new"])
  }

  @Test func anOldFileIsReplaced() throws {
    let path = directory["file"]
    #expect(replace(path, String(repeating: "long", count: 10_000)) == 0)
    #expect(replace(path, "short") == 0)
    #expect(read(path).text == "short")
    #expect(try directory.names == ["file"])
  }

  @Test func aNewFileHasThePermissionsThatTheProcessGives() throws {
    let descriptor = open(directory["plain"], O_WRONLY | O_CREAT, 0o666)
    #expect(descriptor >= 0)
    close(descriptor)
    #expect(replace(directory["new"], "x") == 0)
    #expect(try permissions(directory["new"]) == permissions(directory["plain"]))
  }

  @Test(arguments: [0o600, 0o640, 0o666, 0o755])
  func permissionsOfAnOldFileStay(mode: Int) throws {
    let path = directory["file"]
    #expect(replace(path, "old") == 0)
    #expect(chmod(path, mode_t(mode)) == 0)
    #expect(replace(path, "new") == 0)
    #expect(try permissions(path) == mode)
    #expect(read(path).text == "new")
  }

  @Test func symbolicLinksStayAndTheirTargetsAreReplaced() throws {
    let manager = FileManager.default
    try manager.createDirectory(atPath: directory["sub"], withIntermediateDirectories: false)
    #expect(replace(directory["sub/target"], "old") == 0)
    try manager.createSymbolicLink(atPath: directory["relative"], withDestinationPath: "sub/target")
    try manager.createSymbolicLink(atPath: directory["sub/chain"], withDestinationPath: "../relative")
    try manager.createSymbolicLink(atPath: directory["absolute"], withDestinationPath: directory["sub/chain"])
    try manager.createSymbolicLink(atPath: directory["dangling"], withDestinationPath: "sub/later")
    for name in ["relative", "absolute", "sub/chain"] {
      #expect(replace(directory[name], name) == 0)
      #expect(try String(contentsOfFile: directory["sub/target"], encoding: .utf8) == name)
    }
    #expect(replace(directory["dangling"], "new") == 0)
    #expect(read(directory["sub/later"]).text == "new")
    #expect(try manager.destinationOfSymbolicLink(atPath: directory["relative"]) == "sub/target")
    #expect(try manager.destinationOfSymbolicLink(atPath: directory["dangling"]) == "sub/later")
    #expect(try directory.names == ["absolute", "dangling", "relative", "sub"])
    #expect(try manager.contentsOfDirectory(atPath: directory["sub"]).sorted() == ["chain", "later", "target"])
  }

  @Test func loopsOfSymbolicLinksAreRefused() throws {
    try FileManager.default.createSymbolicLink(atPath: directory["a"], withDestinationPath: "b")
    try FileManager.default.createSymbolicLink(atPath: directory["b"], withDestinationPath: "a")
    #expect(replace(directory["a"], "x") == ELOOP)
  }

  @Test func whatIsNoRegularFileIsRefused() throws {
    try FileManager.default.createSymbolicLink(atPath: directory["link"], withDestinationPath: ".")
    #expect(mkfifo(directory["pipe"], 0o600) == 0)
    #expect(replace(directory.path, "x") == EISDIR)
    #expect(replace(directory.path + "/", "x") == EISDIR)
    #expect(replace(directory["link"], "x") == EISDIR)
    #expect(replace(directory["pipe"], "x") == EINVAL)
    #expect(replace("/dev/null", "x") == EINVAL)
    #expect(try directory.names == ["link", "pipe"])
  }

  @Test func pathsThatLeadNowhereAreRefused() throws {
    #expect(replace(directory["file"], "x") == 0)
    #expect(replace("", "x") == ENOENT)
    #expect(replace(directory["missing/file"], "x") == ENOENT)
    #expect(replace(directory["file/file"], "x") == ENOTDIR)
    #expect(replace(String(repeating: "x/", count: Int(PATH_MAX) / 2), "x") == ENAMETOOLONG)
    #expect(replace(directory[String(repeating: "x", count: 256)], "x") == ENAMETOOLONG)
    #expect(try directory.names == ["file"])
  }

  @Test func theLongestNameIsWritten() throws {
    let name = String(repeating: "x", count: 255)
    #expect(replace(directory[name], "x") == 0)
    #expect(try directory.names == [name])
  }

  @Test(.enabled(if: geteuid() != 0, "root may write everything"))
  func readOnlyFilesAreNotReplaced() throws {
    let path = directory["file"]
    #expect(replace(path, "old") == 0)
    #expect(chmod(path, 0o444) == 0)
    #expect(replace(path, "new") == EACCES)
    #expect(read(path).text == "old")
  }

  /// The disk is made full by a limit on the size of files, far above what any other test writes.
  @Test func aFailedWriteLeavesTheOldFileAlone() throws {
    let path = directory["file"]
    #expect(replace(path, "old") == 0)
    let size = 17 << 20
    let data = try #require(rill__allocate(size))
    defer { rill__free(data) }

    let handler = signal(SIGXFSZ, SIG_IGN)
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(1), &limit)  // RLIMIT_FSIZE
    var lowered = limit
    lowered.rlim_cur = 16 << 20
    setrlimit(__rlimit_resource_t(1), &lowered)
    let status = rill__replace_file(path, data, size)
    setrlimit(__rlimit_resource_t(1), &limit)
    signal(SIGXFSZ, handler)

    #expect(status == EFBIG)
    #expect(read(path).text == "old")
    #expect(try directory.names == ["file"])
    #expect(rill__replace_file(path, data, size) == 0)
  }

  // MARK: reading

  @Test func whatWasWrittenIsRead() throws {
    for size in [0, 1, 4094, 4095, 4096, 100_000] {
      let text = String((0..<size).map { Character(Unicode.Scalar(UInt8(97 + $0 % 26))) })
      #expect(replace(directory["file"], text) == 0)
      let (status, found) = read(directory["file"])
      #expect(status == 0)
      #expect(found == text)
    }
  }

  @Test func filesBeyondTheLimitAreRefused() {
    #expect(replace(directory["file"], "12345") == 0)
    #expect(read(directory["file"], limit: 5).text == "12345")
    #expect(read(directory["file"], limit: 4) == (EFBIG, nil))
    #expect(read("/dev/zero", limit: 100_000) == (EINVAL, nil))  // a device, which may have no end
  }

  @Test func whatCannotBeReadSaysWhy() {
    #expect(read(directory["missing"]) == (ENOENT, nil))
    #expect(read(directory.path) == (EISDIR, nil))
    #expect(read("") == (ENOENT, nil))
  }

  @Test func filesWithoutASizeAreReadToTheirEnd() throws {
    #expect(try #require(read("/proc/self/maps").text).contains("[stack]"))
  }

  @Test func pipesAreReadToTheirEnd() async throws {
    let path = directory["pipe"]
    let text = String(repeating: "0123456789", count: 30_000)
    #expect(mkfifo(path, 0o600) == 0)
    let writer = Thread {
      let descriptor = open(path, O_WRONLY)
      var bytes = Array(text.utf8)[...]
      while !bytes.isEmpty {
        let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, min($0.count, 7777)) }
        if count <= 0 { break }
        bytes = bytes.dropFirst(count)
      }
      close(descriptor)
    }
    writer.start()
    let (status, found) = read(path)
    #expect(status == 0)
    #expect(found == text)
  }
}
