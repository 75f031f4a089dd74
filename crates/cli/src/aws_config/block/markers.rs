//! The two lines around our sections.

/// The line before our sections. A file can have several blocks, with different prefixes.
pub fn begin(prefix: &str) -> String {
    format!("# BEGIN orchestera aws-config, profiles {prefix}-*")
}

/// The line behind them.
pub fn end(prefix: &str) -> String {
    format!("# END orchestera aws-config, profiles {prefix}-*")
}
