//! After a restore: what only the server writes and the backup lacks. Devices hold it, and bring it back; but
//! nothing in those bytes proves that the server wrote them, so an administrator looks before it counts.

pub(crate) mod approval;
pub(crate) mod aside;
pub(crate) mod endpoint;
