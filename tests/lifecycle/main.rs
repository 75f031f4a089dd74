//! One test per row of `docs/semantics.md`, named as the row reads.

#[path = "../common/mod.rs"]
mod common;

mod adopt;
mod answer;
mod closing;
mod create;
mod delete;
mod external_id;
mod given_external_id;
mod member;
mod names;
mod put_back;
mod suspend;
mod update;
