//! `orchestera aws-config` on files of every odd kind: what is not its own stays, byte for byte, whatever happens.

mod files;
mod folder;
mod generated;
