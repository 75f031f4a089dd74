//! Elements of AWS's XML.

use std::fmt::Write;

/// Writes `<tag>text</tag>`, with the text escaped.
pub fn element(to: &mut String, tag: &str, text: &str) {
    let _ = write!(to, "<{tag}>");
    for part in text.split_inclusive(['<', '>', '&']) {
        let (plain, special) = part.split_at(part.len() - usize::from(part.ends_with(['<', '>', '&'])));
        to.push_str(plain);
        match special {
            "<" => to.push_str("&lt;"),
            ">" => to.push_str("&gt;"),
            "&" => to.push_str("&amp;"),
            _ => {}
        }
    }
    let _ = write!(to, "</{tag}>");
}

/// Writes elements one after the other.
pub fn elements(to: &mut String, all: &[(&str, &str)]) {
    for (tag, text) in all {
        element(to, tag, text);
    }
}

/// Writes a list as the Query protocol has it.
pub fn list<T>(to: &mut String, tag: &str, members: impl IntoIterator<Item = T>, write: impl Fn(&mut String, T)) {
    let _ = write!(to, "<{tag}>");
    for member in members {
        to.push_str("<member>");
        write(to, member);
        to.push_str("</member>");
    }
    let _ = write!(to, "</{tag}>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_escaped_and_a_list_has_members() {
        let mut xml = String::new();
        list(&mut xml, "L", ["a<b>&c", ""], |to, text| element(to, "T", text));
        assert_eq!(xml, "<L><member><T>a&lt;b&gt;&amp;c</T></member><member><T></T></member></L>");
    }
}
