//! Every limit of documents and of the wire, in one place. `docs/sync-protocol.md` repeats them.

/// Largest request body that the server reads, as sent (compressed), in bytes.
pub const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;
/// Largest body after decompression, either way, in bytes.
pub const MAX_DECOMPRESSED_BYTES: usize = 16 * 1024 * 1024;
/// Most changes in one exchange's push.
pub const MAX_PUSH_CHANGES: usize = 4_000;
/// Most documents in one exchange's push.
pub const MAX_PUSH_DOCUMENTS: usize = 2_000;
/// A client stops filling a push at this many bytes of changes.
pub const PUSH_TARGET_BYTES: usize = 4 * 1024 * 1024;
/// The server stops filling a pull at this many bytes of changes and snapshots.
pub const PULL_TARGET_BYTES: usize = 4 * 1024 * 1024;
/// Most area cursors in one request.
pub const MAX_CURSORS: usize = 1_000;
/// Most documents in one reconcile request.
pub const MAX_RECONCILE_DOCUMENTS: usize = 10_000;
/// Most CBOR items (numbers, texts, arrays, maps and what they hold) in one request.
pub const MAX_REQUEST_ITEMS: usize = 200_000;
/// Most CBOR items in one response; a snapshot has one for each change.
pub const MAX_RESPONSE_ITEMS: usize = 1_000_000;
/// Largest single change, in bytes.
pub const MAX_CHANGE_BYTES: usize = 256 * 1024;
/// Most operations in one change.
pub const MAX_CHANGE_OPS: u64 = 20_000;
/// Most maps and texts that one change may make. The first change of an inspection makes three for each
/// criterion, and a few.
pub const MAX_CHANGE_OBJECTS: usize = 2_000;
/// Most bytes that the keys of one change have when each operation's is written out. A run length can
/// repeat a long one for every operation.
pub const MAX_CHANGE_KEY_BYTES: u64 = 2 * 1024 * 1024;
/// Deepest that maps, lists and texts may lie in each other. Reading goes down by recursion; records
/// are four deep.
pub const MAX_DEPTH: usize = 16;
/// Most dependencies that one change may name.
pub const MAX_CHANGE_DEPS: usize = 256;
/// Most other actors that one change may name.
pub const MAX_CHANGE_ACTORS: usize = 256;
/// Longest message (reason) in a change, in bytes of UTF-8.
pub const MAX_MESSAGE_BYTES: usize = 2_000;
/// Most operations in the history of one document.
pub const MAX_DOCUMENT_OPS: u64 = 250_000;
/// Most changes in the history of one document.
pub const MAX_DOCUMENT_CHANGES: u64 = 10_000;
/// Most actors in the history of one document, and most heads that it may have.
pub const MAX_DOCUMENT_ACTORS: usize = 2_000;
/// Most bytes of changes in the history of one document.
pub const MAX_DOCUMENT_BYTES: u64 = 8 * 1024 * 1024;
/// Largest whole document as one chunk, in bytes.
pub const MAX_SNAPSHOT_BYTES: usize = 8 * 1024 * 1024;
/// Most bytes that the keys of a whole document have when each operation's is written out.
pub const MAX_DOCUMENT_KEY_BYTES: u64 = 16 * 1024 * 1024;
/// Highest counter of an operation. Those of honest devices follow the number of operations.
pub const MAX_COUNTER: u64 = 4 * MAX_DOCUMENT_OPS;
/// Longest text in one merging text field, in characters.
pub const MAX_TEXT_CHARS: usize = 20_000;
/// Longest single-valued text, in characters.
pub const MAX_LINE_CHARS: usize = 500;
/// Largest attachment, in bytes.
pub const MAX_ATTACHMENT_BYTES: u64 = 32 * 1024 * 1024;
/// Most pixels of an attached picture: a phone's 50-megapixel camera, with room.
pub const MAX_PICTURE_PIXELS: u64 = 64_000_000;
/// Longest side of an attached picture, in pixels: panoramas.
pub const MAX_PICTURE_SIDE: u32 = 20_000;
/// Longest side of a thumbnail, in pixels.
pub const MAX_THUMBNAIL_SIDE: u32 = 320;
/// Largest piece of an attachment that a device sends at once, in bytes.
pub const MAX_UPLOAD_CHUNK_BYTES: usize = 1024 * 1024;
