"""Bodies that schemathesis can't make by itself: those of devices, which are refused before they are read, and files."""

import schemathesis


@schemathesis.serializer(
    "application/cbor",
    "application/offset+octet-stream",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)
def as_bytes(ctx, value):
    return {"data": value if isinstance(value, bytes) else repr(value).encode()}
