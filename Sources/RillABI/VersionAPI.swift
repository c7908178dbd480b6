import CPlatform
import CRill
import RillFormat

@implementation @_cdecl("rill_version_number")
public func rill_version_number() -> Int32 { Int32(RILL_VERSION_NUMBER) }

@implementation @_cdecl("rill_version_string")
public func rill_version_string() -> UnsafePointer<CChar>! { cString(libraryVersion) }

@implementation @_cdecl("rill_format_version")
public func rill_format_version() -> Int32 { Int32(ModelReader.formatVersion) }

@implementation @_cdecl("rill_format_version_oldest")
public func rill_format_version_oldest() -> Int32 { Int32(ModelReader.oldestFormatVersion) }

@implementation @_cdecl("rill_last_error_message")
public func rill_last_error_message() -> UnsafePointer<CChar>! { rill__get_error() }

@implementation @_cdecl("rill_status_name")
public func rill_status_name(_ status: rill_status) -> UnsafePointer<CChar>! {
  switch Int(status) {
  case RILL_OK: cString("ok")
  case RILL_ERROR_ARGUMENT: cString("argument")
  case RILL_ERROR_STATE: cString("state")
  case RILL_ERROR_FORMAT: cString("format")
  case RILL_ERROR_IO: cString("io")
  case RILL_ERROR_MEMORY: cString("memory")
  case RILL_ERROR_UNSUPPORTED: cString("unsupported")
  case RILL_ERROR_DIVERGED: cString("diverged")
  case RILL_ERROR_INTERNAL: cString("internal")
  default: cString("unknown")
  }
}

/// The same text as RILL_VERSION_STRING, which Swift imports as a String, not as bytes that stay.
var libraryVersion: StaticString { "0.1.0" }
