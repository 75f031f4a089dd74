//! What is printed: a table for people, csv, json and ndjson for programs.

use crate::arguments::{Format, Printing};
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use custom_resource::{Error, Kind, Result};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};
use std::io::{self, IsTerminal, Write};
use terminal_size::terminal_size;

mod file;

/// The version of every JSON document. A field is only ever added.
pub const SCHEMA_VERSION: u32 = 1;

/// The width of a table that goes into a file or a pipe.
const WIDTH: u16 = 160;
/// The narrowest table that can be read.
const NARROWEST: u16 = 60;
/// In a narrower table, the sentence of a row stands below it.
const WIDE: u16 = 100;
/// The column with a sentence.
const SENTENCE: &str = "to_do";
/// A column that is not wider is not wrapped: ids, states, dates.
const SHORT: usize = 14;

/// A result that has rows: the accounts of `status`, the checks of `preflight`.
pub struct Rows<'a> {
    /// The names of the columns. New ones are only ever added at the end.
    pub columns: &'a [&'static str],
    /// One value for each column.
    pub rows: Vec<Vec<Value>>,
    /// What is said once, beside the rows, in JSON.
    pub about: Map<String, Value>,
    /// The name of the rows in JSON.
    pub name: &'static str,
    /// The columns of the table for people. The others are for programs.
    pub shown: &'a [&'static str],
}

/// Writes the rows in the format that was asked for.
///
/// # Errors
/// If they cannot be written.
pub fn rows(printing: &Printing, rows: &Rows<'_>) -> Result<()> {
    let text = match printing.output {
        Format::Table => table(rows, width(printing)),
        Format::Csv => csv(rows)?,
        Format::Json => {
            let text = serde_json::to_string_pretty(&Document(rows));
            escaped(&format!("{}\n", text.map_err(|error| Error::new(Kind::Bug, error.to_string()))?))
        }
        Format::Ndjson => rows.rows.iter().map(|row| escaped(&format!("{}\n", object(rows, row)))).collect(),
    };
    write(printing, &text)
}

/// Writes a report: `text` for people, `value` for programs.
///
/// # Errors
/// If it cannot be written, or if csv is asked for: a report has no rows.
pub fn report(printing: &Printing, text: &str, value: &impl Serialize) -> Result<()> {
    let value = || -> Result<Value> {
        let value = serde_json::to_value(value).map_err(|error| Error::new(Kind::Bug, error.to_string()))?;
        let mut document = Map::from_iter([("schema_version".to_owned(), json!(SCHEMA_VERSION))]);
        document.extend(value.as_object().cloned().unwrap_or_default());
        Ok(Value::Object(document))
    };
    match printing.output {
        Format::Table => write(printing, text),
        Format::Json => write(printing, &escaped(&format!("{:#}\n", value()?))),
        Format::Ndjson => write(printing, &escaped(&format!("{}\n", value()?))),
        Format::Csv => Err(without_rows()),
    }
}

fn without_rows() -> Error {
    Error::refused("This command has no rows, so there is no csv of it. Use --output json.")
}

/// Writes a text to standard output, or into the file.
///
/// # Errors
/// If it cannot be written.
pub fn write(printing: &Printing, text: &str) -> Result<()> {
    match &printing.output_file {
        Some(path) => file::write(path, text),
        None => {
            let mut out = io::stdout().lock();
            match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
                // The reader has seen enough, such as `head`.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                written => {
                    written.map_err(|error| Error::refused(format!("Standard output cannot be written: {error}.")))
                }
            }
        }
    }
}

/// Refuses csv of a command without rows, and an output file that cannot be written, before anything is read for them.
///
/// # Errors
/// See above.
pub fn check(printing: &Printing, has_rows: bool) -> Result<()> {
    if printing.output == Format::Csv && !has_rows {
        return Err(without_rows());
    }
    printing.output_file.as_deref().map_or(Ok(()), file::check)
}

/// The JSON document of rows, in the order of its keys. A row becomes an object when it is written: ten thousand at once
/// would take more memory than everything else.
struct Document<'a>(&'a Rows<'a>);

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Self(rows) = self;
        let mut about = rows.about.clone();
        about.insert("schema_version".to_owned(), json!(SCHEMA_VERSION));
        about.insert(rows.name.to_owned(), Value::Null);
        let mut document = serializer.serialize_map(Some(about.len()))?;
        for (key, value) in &about {
            match key == rows.name {
                true => document.serialize_entry(key, &Objects(rows))?,
                false => document.serialize_entry(key, value)?,
            }
        }
        document.end()
    }
}

struct Objects<'a>(&'a Rows<'a>);

impl Serialize for Objects<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.rows.iter().map(|row| object(self.0, row)))
    }
}

fn object(rows: &Rows<'_>, row: &[Value]) -> Value {
    Value::Object(rows.columns.iter().map(|name| (*name).to_owned()).zip(row.iter().cloned()).collect())
}

fn table(rows: &Rows<'_>, width: u16) -> String {
    let mut shown: Vec<_> =
        rows.shown.iter().filter_map(|name| rows.columns.iter().position(|column| column == name)).collect();
    let below = shown.pop_if(|last| width < WIDE && rows.columns[*last] == SENTENCE);
    let cells = |row: &[Value]| shown.iter().map(|i| printable(&text(&row[*i]))).collect::<Vec<_>>();
    let mut table = grid(width);
    table.set_header(shown.iter().map(|i| rows.columns[*i].replace('_', " ")));
    for row in &rows.rows {
        table.add_row(cells(row));
    }
    let widths = table.column_max_content_widths();
    for (column, widest) in table.column_iter_mut().zip(widths) {
        // What a person copies stays in one piece.
        if column.index == 0 || usize::from(widest) <= SHORT {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    let table = trimmed(&table.to_string());
    match below {
        Some(below) => format!("{}\n", with_sentences(&table, rows.rows.iter().map(|row| text(&row[below])), width)),
        None => format!("{table}\n"),
    }
}

/// The table with a sentence below each row. The first column is never blank, so a line that begins with it is a row.
fn with_sentences(table: &str, sentences: impl Iterator<Item = String>, width: u16) -> String {
    let mut lines = table.lines().peekable();
    let mut text: Vec<String> = lines.next().map(str::to_owned).into_iter().collect();
    let is_wrapped = |line: &str| line.starts_with("  ");
    while let Some(line) = lines.next_if(|line| is_wrapped(line)) {
        text.push(line.to_owned());
    }
    for sentence in sentences {
        text.extend(lines.next().map(str::to_owned));
        while let Some(line) = lines.next_if(|line| is_wrapped(line)) {
            text.push(line.to_owned());
        }
        text.extend(wrapped(&printable(&sentence), usize::from(width).saturating_sub(INDENT.len())));
    }
    text.join("\n")
}

const INDENT: &str = "   ";

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width + INDENT.len() => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{INDENT}{word}")),
        }
    }
    lines
}

/// An empty table with the look of all tables.
pub fn grid(width: u16) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    table
}

/// Without spaces at the end of lines, which a narrow terminal would wrap.
pub fn trimmed(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn csv(rows: &Rows<'_>) -> Result<String> {
    let cannot = |error: String| Error::new(Kind::Bug, format!("The csv cannot be written: {error}."));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(rows.columns).map_err(|error| cannot(error.to_string()))?;
    for row in &rows.rows {
        let cells = row.iter().map(|value| neutralized(&text(value)));
        writer.write_record(cells).map_err(|error| cannot(error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| cannot(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| cannot(error.to_string()))
}

/// A value as the text of a cell. A list is separated by semicolons.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    }
}

/// A spreadsheet would run a cell that begins like a formula. Names of accounts are other people's text.
/// <https://owasp.org/www-community/attacks/CSV_Injection>
fn neutralized(text: &str) -> String {
    let text = printable(text);
    // The wide forms count too, in some languages of spreadsheets.
    let begins = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    if text.trim_start().starts_with(begins) { format!("'{text}") } else { text }
}

/// Without control characters, which would act on the terminal.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c == '\n' || c == '\t' { ' ' } else { c }).filter(|c| !is_hidden(*c)).collect()
}

/// Characters that act on a terminal, and those that hide what a text says: marks of the direction of writing, separators
/// of lines, and what has no width.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// JSON in which such characters are escaped. JSON itself wants that of some only.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            // Between the values.
            '\n' => text.push(c),
            c if is_hidden(c) => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => text.push(c),
        }
    }
    text
}

/// The width of tables: that of the terminal.
pub fn width(printing: &Printing) -> u16 {
    let is_on_terminal = printing.output_file.is_none() && io::stdout().is_terminal();
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || terminal_size().filter(|_| is_on_terminal).map(|(width, _)| width.0);
    columns.or_else(terminal).unwrap_or(WIDTH).max(NARROWEST)
}

/// Whether marks may have colors: on a terminal, without `NO_COLOR`.
/// <https://no-color.org>
pub fn has_color(printing: &Printing) -> bool {
    let is_set = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    printing.output_file.is_none() && io::stdout().is_terminal() && !is_set
}

/// A mark before a line: ✓, ! or ✗.
pub fn mark(mark: char, is_colored: bool) -> String {
    let color = match mark {
        '✓' => "32",
        '!' => "33",
        _ => "31",
    };
    if is_colored { format!("\u{1b}[{color}m{mark}\u{1b}[0m") } else { mark.to_string() }
}

/// Prints a line on standard error. If nobody reads it any more, that is no error.
pub fn note(line: &str) {
    drop(writeln!(io::stderr().lock(), "{line}"));
}

/// Prints an error for people on standard error.
pub fn error(error: &Error, with_cause: bool) {
    note(&format!("orchestera: {}", printable(&error.reason())));
    if with_cause && !error.cause().is_empty() {
        note(&printable(&error.cause()));
    }
}

/// Returns when the user presses Ctrl-C.
pub async fn interrupted() {
    // Without a handler, the process ends by itself.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests;
