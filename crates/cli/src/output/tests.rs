use super::*;
use std::fs;
use std::path::PathBuf;

fn printing(output: Format, output_file: Option<PathBuf>) -> Printing {
    Printing { output, output_file, quiet: false }
}

const COLUMNS: [&str; 3] = ["account_id", "account_name", "to_do"];

fn of(rows: &[[&str; 3]]) -> Rows<'static> {
    Rows {
        columns: &COLUMNS,
        rows: rows.iter().map(|row| row.iter().map(|cell| json!(cell)).collect()).collect(),
        about: Map::from_iter([("partial".to_owned(), json!(false))]),
        name: "accounts",
        shown: &COLUMNS,
    }
}

/// What is written into a file.
fn written(output: Format, these: &Rows<'_>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    rows(&printing(output, Some(path.clone())), these).unwrap();
    fs::read_to_string(path).unwrap()
}

#[test]
fn the_text_of_a_value_is_what_a_person_would_write() {
    for (value, expected) in [
        (json!(null), ""),
        (json!("a"), "a"),
        (json!(["a", "b"]), "a; b"),
        (json!([]), ""),
        (json!(7), "7"),
        (json!(true), "true"),
    ] {
        assert_eq!(text(&value), expected);
    }
}

#[test]
fn a_cell_that_a_spreadsheet_would_run_is_neutralized_and_no_other() {
    for text in ["=1", "+1", "-1", "@a", "\t=1", " =1", "\r\n=1", "＝1", "＋1", "－1", "＠a"] {
        assert!(neutralized(text).starts_with('\''), "{text:?}");
    }
    for text in ["", "a=1", "1-1", "'=1", "a@example.com", "1 =1"] {
        assert_eq!(neutralized(text), text);
    }
}

#[test]
fn a_text_acts_on_no_terminal_and_hides_nothing() {
    for hidden in ['\0', '\u{7}', '\u{1b}', '\r', '\u{7f}', '\u{9b}', '\u{61c}', '\u{200b}', '\u{200e}', '\u{200f}']
        .into_iter()
        .chain('\u{2028}'..='\u{202e}')
        .chain('\u{2066}'..='\u{2069}')
        .chain(['\u{feff}'])
    {
        assert_eq!(printable(&format!("a{hidden}b")), "ab", "{hidden:?}");
        let json = escaped(&format!("{}\n", json!(format!("a{hidden}b"))));
        assert!(!json.trim_end().contains(hidden), "{hidden:?}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), format!("a{hidden}b"));
    }
    assert_eq!(printable("a\tb\nc"), "a b c");
    // Joiners, which words of some languages and faces need.
    for kept in ["می‌خواهم", "👩‍🚀", "Zürich", "東京"] {
        assert_eq!(printable(kept), kept);
    }
}

#[test]
fn csv_has_the_columns_in_their_order_and_quotes_what_needs_it() {
    let csv = written(Format::Csv, &of(&[["1", "a, \"b\"", "c\nd"], ["2", "=1", ""]]));
    assert_eq!(csv, "account_id,account_name,to_do\n1,\"a, \"\"b\"\"\",c d\n2,'=1,\n");
}

#[test]
fn json_has_the_version_of_its_schema_and_what_is_said_once() {
    let document: Value = serde_json::from_str(&written(Format::Json, &of(&[["1", "a", ""]]))).unwrap();
    let row = json!({ "account_id": "1", "account_name": "a", "to_do": "" });
    assert_eq!(document, json!({ "schema_version": 1, "partial": false, "accounts": [row] }));
}

#[test]
fn ndjson_has_a_line_for_each_row_and_none_without_rows() {
    assert_eq!(written(Format::Ndjson, &of(&[["1", "a\nb", ""], ["2", "", ""]])).lines().count(), 2);
    assert_eq!(written(Format::Ndjson, &of(&[])), "");
}

#[test]
fn a_report_has_no_csv_and_json_with_the_version_of_its_schema() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let value = json!({ "state": "ready" });
    for (output, expected) in [
        (Format::Table, "for people\n"),
        (Format::Json, "{\n  \"schema_version\": 1,\n  \"state\": \"ready\"\n}\n"),
        (Format::Ndjson, "{\"schema_version\":1,\"state\":\"ready\"}\n"),
    ] {
        report(&printing(output, Some(path.clone())), "for people\n", &value).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    }
    let refused = report(&printing(Format::Csv, Some(path)), "", &value).unwrap_err();
    assert!(refused.reason().contains("there is no csv of it"));
    assert!(check(&printing(Format::Csv, None), false).is_err());
    assert!(check(&printing(Format::Csv, None), true).is_ok());
}

const SENTENCE_OF_TEN: &str = "one two three four five six seven eight nine ten";

#[test]
fn a_wide_table_has_the_sentence_in_a_column_and_a_narrow_one_below_the_row() {
    let rows = of(&[["111122223333", "Spark", SENTENCE_OF_TEN], ["444455556666", "Data", ""]]);
    let wide = table(&rows, WIDE);
    assert_eq!(wide.lines().count(), 3);
    assert!(wide.contains(&format!("Spark         {SENTENCE_OF_TEN}\n")), "{wide}");
    assert_eq!(
        table(&rows, 40),
        " account id    account name\n 111122223333  Spark\n   one two three four five six seven\n   eight nine ten\n \
         444455556666  Data\n"
    );
}

#[test]
fn no_line_of_a_table_is_wider_than_it_may_be_and_ids_are_not_broken() {
    let name = "A name of an account that has many words and is long";
    let rows = of(&[["111122223333", name, SENTENCE_OF_TEN], ["444455556666", name, SENTENCE_OF_TEN]]);
    for width in NARROWEST..=200 {
        let table = table(&rows, width);
        assert!(table.lines().all(|line| line.chars().count() <= usize::from(width)), "{width}:\n{table}");
        for id in ["111122223333", "444455556666"] {
            assert_eq!(table.lines().filter(|line| line.starts_with(&format!(" {id}  "))).count(), 1, "{width}");
        }
        let words: Vec<_> = table.split_whitespace().collect();
        assert_eq!(words.iter().filter(|word| **word == "ten").count(), 2, "{width}:\n{table}");
    }
}

#[test]
fn a_file_that_cannot_be_written_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "as it was").unwrap();
    for path in [folder.path().join("none/out"), file.join("out"), folder.path().to_owned()] {
        let printing = printing(Format::Json, Some(path.clone()));
        for refused in [check(&printing, true), write(&printing, "text")] {
            let reason = refused.unwrap_err().reason();
            let begins = match path.parent().is_some_and(|folder| folder.ends_with("none")) {
                true => format!("The folder {} does not exist", folder.path().join("none").display()),
                false => format!("{} cannot be written: ", path.display()),
            };
            assert!(reason.starts_with(&begins), "{reason}");
            assert!(!reason.contains(" at path "), "{reason}");
        }
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(file).unwrap(), "as it was");
}

#[test]
fn a_check_of_the_file_leaves_it_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old"), folder.path().join("new"));
    fs::write(&old, "as it was").unwrap();
    for path in [&old, &new] {
        check(&printing(Format::Json, Some(path.clone())), true).unwrap();
    }
    assert_eq!(fs::read_to_string(&old).unwrap(), "as it was");
    assert!(!new.exists());
}

#[test]
fn a_mark_has_a_color_only_where_it_is_wanted() {
    for (sign, color) in [('✓', "32"), ('!', "33"), ('✗', "31")] {
        assert_eq!(mark(sign, true), format!("\u{1b}[{color}m{sign}\u{1b}[0m"));
        assert_eq!(mark(sign, false), sign.to_string());
    }
}
