use super::*;
use aws_runtime::env_config::section::EnvConfigSections;
use aws_types::os_shim_internal::{Env, Fs};

async fn read(config: String, credentials: String) -> EnvConfigSections {
    let files = EnvConfigFiles::builder()
        .with_contents(EnvConfigFileKind::Config, config)
        .with_contents(EnvConfigFileKind::Credentials, credentials)
        .build();
    aws_config::profile::load(&Fs::from_slice(&[]), &Env::from_slice(&[]), &files, None).await.unwrap()
}

const ODD: &str = "\
; mine
 [default]
  region: eu-west-1
  s3 =
      addressing_style = path
      # a comment
      ; another
[profile \"a\"] # of the team
  role_arn : arn:aws:iam::111122223333:role/a
source_profile=default
[profile 'b c']
x = 1
[preview]
cloudfront = true
[services local]
dynamodb =
  endpoint_url = http://127.0.0.1:9
[sso-session \"s\"]
\tsso_region = eu-west-1
[profile d]
output = json
  goes on
na#me = x
";

#[tokio::test]
async fn the_sdk_reads_what_the_aws_cli_reads() {
    for end in ["\n", "\r\n", "\r"] {
        let found = read(config_for_sdk(ODD.replace('\n', end).as_bytes()), String::new()).await;
        let get = |profile: &str, setting: &str| found.get_profile(profile).unwrap().get(setting).map(str::to_owned);
        assert_eq!(get("default", "region").as_deref(), Some("eu-west-1"), "{end:?}");
        assert_eq!(get("default", "s3").as_deref(), Some("\naddressing_style = path"));
        assert_eq!(get("a", "role_arn").as_deref(), Some("arn:aws:iam::111122223333:role/a"));
        assert_eq!(get("a", "source_profile").as_deref(), Some("default"));
        assert_eq!(get("d", "output").as_deref(), Some("json\ngoes on"));
        assert_eq!(found.sso_session("s").unwrap().get("sso_region"), Some("eu-west-1"));
    }
}

#[tokio::test]
async fn the_sdk_reads_credentials_that_the_aws_cli_reads() {
    let credentials = "[default]\n  aws_access_key_id: a\n[ b ]\n\taws_access_key_id = c\n";
    let found = read(String::new(), credentials_for_sdk(credentials.as_bytes())).await;
    assert_eq!(found.get_profile("default").unwrap().get("aws_access_key_id"), Some("a"));
    assert_eq!(found.get_profile("b").unwrap().get("aws_access_key_id"), Some("c"));
}

/// The lines of ODD, some broken, in every order of three.
#[tokio::test]
async fn the_sdk_refuses_no_text_that_is_written_for_it() {
    let broken = [
        "[",
        "[]",
        "[profile",
        "= x",
        "  = x",
        "key",
        "  # x",
        "s3 =",
        "  a # b = c",
        "[profile a#b]",
        "\u{feff}",
        "a # b = c",
    ];
    let lines: Vec<&str> = ODD.lines().chain(broken).collect();
    for first in &lines {
        for second in &lines {
            for third in &lines {
                let text = format!("[default]\n{first}\n{second}\n{third}\n");
                read(config_for_sdk(text.as_bytes()), credentials_for_sdk(text.as_bytes())).await;
            }
        }
    }
}
