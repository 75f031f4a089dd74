use super::*;

fn shown(old: &str, new: &str) -> String {
    between(Path::new("config"), old.as_bytes(), new.as_bytes())
}

#[test]
fn no_change_is_no_line() {
    assert_eq!(shown("[default]\n", "[default]\n"), "");
}

#[test]
fn a_change_is_shown_with_three_lines_around() {
    assert_eq!(
        shown("1 = \n2 = \n3 = \n4 = \n5 = \n", "1 = \n2 = \n3 = \n4 = \n5 = \nnew\n"),
        "--- config\n+++ config\n@@ -3,3 +3,4 @@\n 3 = \n 4 = \n 5 = \n+new\n"
    );
    assert_eq!(shown("a\nb\nc\n", "a\nd\nc\n"), "--- config\n+++ config\n@@ -1,3 +1,3 @@\n a\n-b\n+d\n c\n");
}

#[test]
fn a_new_file_and_an_end_without_an_end_of_a_line_are_shown_as_diff_shows_them() {
    assert_eq!(shown("", "a\n"), "--- config\n+++ config\n@@ -0,0 +1,1 @@\n+a\n");
    assert_eq!(
        shown("a", "a\nb\n"),
        "--- config\n+++ config\n@@ -1,1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+b\n"
    );
}

#[test]
fn a_secret_beside_the_change_is_not_shown() {
    for (secret, shown_as) in [
        ("AWS_Secret_Access_Key = wJalr", " AWS_Secret_Access_Key = (not shown)\n"),
        ("  # aws_session_token=wJalr", "   # aws_session_token= (not shown)\n"),
        ("aws_session_token =\n# mine\n  wJalr", " aws_session_token = (not shown)\n # mine\n (not shown)\n"),
        ("aws_session_token = a\n  wJalr", " aws_session_token = (not shown)\n (not shown)\n"),
    ] {
        let difference = shown(&format!("{secret}\n"), &format!("{secret}\n# BEGIN\n[profile a]\n"));
        assert!(difference.contains(shown_as), "{difference}");
        assert!(!difference.contains("wJalr"), "{difference}");
        assert!(difference.ends_with("+# BEGIN\n+[profile a]\n"), "{difference}");
    }
}
