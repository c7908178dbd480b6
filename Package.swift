// swift-tools-version: 6.1
import PackageDescription

// RILL_FULL_SWIFT=1: an ordinary Swift release build, for platforms whose toolchain has no Embedded standard library.
let isFullSwift = Context.environment["RILL_FULL_SWIFT"] != nil
// RILL_SHARED_JSONC=1: link json-c dynamically, as distributions want it.
let isJSONCShared = Context.environment["RILL_SHARED_JSONC"] != nil
let root = Context.packageDirectory

// Release products are Embedded Swift: no runtime to ship, about 0.15 ms from dlopen to the first answer. Debug builds and tests are
// ordinary Swift, so that @testable and Swift Testing work on the same sources.
let embedded: [SwiftSetting] = isFullSwift ? [] : [.enableExperimentalFeature("Embedded", .when(configuration: .release))]

// For size, since what must be fast is in the kernels. Sections per function, so that the linker drops what is not used: Embedded Swift emits a function
// again in every module that uses it. Traps that may be merged: one for each function, instead of one for each check. A function that
// takes a closure stands there once, not for each closure.
let mode =
  embedded + [
    .unsafeFlags(
      [
        "-wmo", "-Osize", "-Xfrontend", "-function-sections", "-Xfrontend", "-mergeable-traps",
        "-Xllvm", "-sil-disable-pass=closure-specialize", "-enforce-exclusivity=unchecked", "-Xcc",
        "-fno-asynchronous-unwind-tables",
      ],
      .when(configuration: .release))
  ]

func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: mode)
}

/// One set of kernel sources, compiled once per instruction-set level; the other levels' folders hold links to the first one's files.
/// -Ounchecked in debug too: kernels check nothing (their callers do), and tests would crawl without optimization.
func kernels(_ name: String, _ march: [String], _ flags: [String] = []) -> Target {
  .target(
    name: name, dependencies: ["CVector"],
    swiftSettings: embedded + [
      .unsafeFlags(
        ["-Ounchecked", "-wmo", "-Xfrontend", "-function-sections", "-disable-stack-protector", "-Xcc", "-fno-asynchronous-unwind-tables"]
          + flags + march.flatMap { ["-Xcc", $0] })
    ])
}

#if arch(x86_64)
  let levels: [Target] = [
    kernels("RillKernelsV3", ["-march=x86-64-v3"], ["-DRILL_AVX"]),
    kernels("RillKernelsV4", ["-march=x86-64-v4", "-mprefer-vector-width=512"], ["-DRILL_WIDE"]),
  ]
#else
  let levels: [Target] = []  // arm64: NEON is in the baseline
#endif
let kernelModules: [Target.Dependency] = ["RillKernels"] + levels.map { .byName(name: $0.name) }

let package = Package(
  name: "Rill",
  products: [.library(name: "rill", type: .dynamic, targets: ["RillABI"])],
  targets: [
    // MARK: C

    // Owns include/, so that an edit of the header rebuilds (a systemLibrary target would go stale).
    .target(
      name: "CRill", path: ".", exclude: ["scripts", "Tests", "Benchmarks", "bindings", "examples", "docs", "Makefile"],
      sources: ["Sources/CRill"],
      publicHeadersPath: "include"),
    .systemLibrary(name: "CJSON", path: "Sources/CJSON"),
    .target(name: "CPlatform", cSettings: [.unsafeFlags(["-Os", "-fno-asynchronous-unwind-tables"], .when(configuration: .release))]),
    .target(name: "CVector"),

    // MARK: kernels

    kernels("RillKernels", []),

    // MARK: library, lowest first

    module("RillBase", ["CPlatform"]),
    module("RillJSON", ["RillBase", "CJSON", "CPlatform"]),
    module("RillNetwork", ["RillJSON", "RillBase", "CPlatform", "CVector"] + kernelModules),
    module("RillTraining", ["RillNetwork", "RillJSON", "RillBase", "CPlatform", "CVector"]),
    module("RillFormat", ["RillNetwork", "RillJSON", "RillBase", "CPlatform"]),
    module("RillCheckpoint", ["RillTraining", "RillFormat", "RillNetwork", "RillJSON", "RillBase", "CPlatform", "CVector"]),
    .target(
      name: "RillABI",
      dependencies: ["CRill", "CPlatform", "RillBase", "RillJSON", "RillNetwork", "RillTraining", "RillFormat", "RillCheckpoint"],
      swiftSettings: mode,
      linkerSettings: [
        .unsafeFlags(
          [
            "-Xlinker", "--version-script=\(root)/scripts/rill.map", "-Xlinker", "-soname", "-Xlinker", "librill.so.0",
            "-Xlinker", "-z", "-Xlinker", "defs", "-Xlinker", "--gc-sections", "-Xlinker", "--icf=all", "-use-ld=lld",
          ] + (isJSONCShared ? ["-ljson-c"] : ["-l:libjson-c.a"]), .when(configuration: .release)),
        .linkedLibrary("json-c", .when(configuration: .debug)),
        .linkedLibrary("m"),
      ]),

    // MARK: tests

    // Optimized in debug too: the double-precision reference would take 14 times as long.
    .target(
      name: "RillTestSupport", dependencies: ["CRill", "RillABI"], path: "Tests/RillTestSupport", swiftSettings: [.unsafeFlags(["-O"])]),
    .testTarget(name: "RillJSONTests", dependencies: ["RillJSON", "RillBase"]),
    .testTarget(name: "RillKernelsTests", dependencies: ["CVector", "CPlatform"] + kernelModules),
    .testTarget(name: "RillNetworkTests", dependencies: ["RillNetwork", "RillJSON", "RillBase"]),
    .testTarget(name: "RillTrainingTests", dependencies: ["RillTraining", "RillNetwork", "RillJSON", "RillBase"]),
    .testTarget(name: "RillFormatTests", dependencies: ["RillFormat", "RillNetwork", "RillBase"]),
    .testTarget(name: "RillReferenceTests", dependencies: ["RillTestSupport", "CRill", "RillABI"], exclude: ["Fixtures"]),
  ] + levels
)
