use super::*;
use custom_resource::error::FailedCall;
use std::cell::RefCell;

fn member_role(patience: Patience) -> MemberRole {
    let account = Account { partition: "aws".into(), id: "444455556666".into() };
    MemberRole {
        id: account.physical_id("OrchesteraAccessRole", "OrchesteraAccessPolicy"),
        account,
        name: "OrganizationAccountAccessRole".into(),
        patience,
    }
}

#[test]
fn the_session_reaches_one_role_and_one_policy_and_attaches_no_other_policy() {
    let policy = member_role(Patience::RightsArrive).session_policy();
    let (role, policy_arn) = (
        "arn:aws:iam::444455556666:role/OrchesteraAccessRole",
        "arn:aws:iam::444455556666:policy/OrchesteraAccessPolicy",
    );
    let [calls, attach] = policy["Statement"].as_array().unwrap().as_slice() else { panic!("{policy}") };
    assert_eq!(calls["Resource"], json!([role, policy_arn]));
    let mut actions: Vec<_> = calls["Action"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(!actions.contains(&"iam:AttachRolePolicy"));
    actions.extend(attach["Action"].as_str());
    let mut all: Vec<_> = Operation::ALL.iter().map(|operation| format!("iam:{operation}")).collect();
    actions.sort_unstable();
    all.sort_unstable();
    assert_eq!(actions, all);
    assert_eq!(attach["Resource"], json!(role));
    assert_eq!(attach["Condition"]["ArnEquals"]["iam:PolicyARN"], json!(policy_arn));
    assert!(policy.to_string().len() <= 2048);
}

/// Fails as often as it is told, then succeeds.
struct FailingSts {
    failures: RefCell<Vec<(Kind, &'static str)>>,
    asked: RefCell<Vec<AssumeRole>>,
}

fn failing(failures: Vec<(Kind, &'static str)>) -> FailingSts {
    FailingSts { failures: RefCell::new(failures), asked: RefCell::default() }
}

impl Sts for FailingSts {
    type Session = ();

    async fn assume_role(&self, request: &AssumeRole) -> Result<()> {
        self.asked.borrow_mut().push(request.clone());
        let Some((kind, code)) = self.failures.borrow_mut().pop() else { return Ok(()) };
        let (message, request_id) = ("no, because of something.".to_owned(), "r".to_owned());
        Err(Error::call(kind, FailedCall { operation: "AssumeRole", code: code.into(), message, request_id }))
    }
}

async fn assume(sts: &FailingSts, patience: Patience) -> (Result<()>, u64) {
    assume_within(60, sts, patience).await
}

/// With a function whose timeout is so many seconds.
async fn assume_within(timeout: u64, sts: &FailingSts, patience: Patience) -> (Result<()>, u64) {
    let start = Instant::now();
    let budget = Budget::new(start, start + Duration::from_secs(timeout));
    let assumed = member_role(patience).assume(sts, &budget).await;
    (assumed, start.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn the_role_is_assumed_at_the_partitions_main_region() {
    let sts = failing(vec![]);
    assume(&sts, Patience::RoleAppears).await.0.unwrap();
    let asked = sts.asked.borrow();
    assert_eq!(asked[0].role_arn, "arn:aws:iam::444455556666:role/OrganizationAccountAccessRole");
    assert_eq!(asked[0].region, Some("us-east-1"));
    for (partition, region) in [("aws-us-gov", Some("us-gov-west-1")), ("aws-cn", Some("cn-north-1")), ("new", None)] {
        assert_eq!(main_region(partition), region);
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_that_cannot_be_assumed_yet_is_waited_for() {
    let (assumed, took) = assume(&failing(vec![(Kind::Denied, "AccessDenied"); 5]), Patience::RoleAppears).await;
    assert_eq!((assumed.is_ok(), took), (true, 10));
    // The wait of a Create depends on the function's timeout. Template: 60 seconds, or 900 for a new account.
    for (timeout, patience, longest) in [
        (60, Patience::RoleAppears, 25),
        (900, Patience::RoleAppears, 865),
        (60, Patience::RightsArrive, 15),
        (900, Patience::RightsArrive, 15),
    ] {
        let sts = failing(vec![(Kind::Denied, "AccessDenied"); 999]);
        let (assumed, took) = assume_within(timeout, &sts, patience).await;
        assert!(assumed.is_err() && (longest - 2..=longest).contains(&took), "{timeout} {patience:?}: {took}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_way_in_which_it_fails_says_what_to_do() {
    for (kind, code, words) in [
        (
            Kind::Denied,
            "AccessDenied",
            &[
                "The role OrganizationAccountAccessRole in account 444455556666 could not be assumed",
                "(AccessDenied: no, because of something)",
                "invited accounts have no OrganizationAccountAccessRole",
                "MemberRoleName",
                "trust policy does not allow this function's account",
                "service control policy",
                "retain this resource",
            ][..],
        ),
        (Kind::Refused, "RegionDisabledException", &["Check that STS is active in us-east-1"]),
        (Kind::Unavailable, "", &["STS in us-east-1 gave no usable answer (no, because of something).", "retry"]),
    ] {
        let (assumed, _) = assume(&failing(vec![(kind, code); 99]), Patience::RoleAppears).await;
        let reason = assumed.unwrap_err().reason();
        assert!(words.iter().all(|word| reason.contains(word)), "{reason}");
        assert!(reason.contains("Nothing was changed"), "{reason}");
    }
}
