//! What a request asks for: the service, the operation, and whose credentials signed it.

use crate::account;
use hyper::HeaderMap;
use std::borrow::Cow;

/// One call.
#[derive(Debug)]
pub struct Call<'a> {
    pub service: &'a str,
    pub operation: Cow<'a, str>,
    /// The number of the account whose credentials signed the call.
    pub account: u32,
    pub body: &'a [u8],
}

impl<'a> Call<'a> {
    /// `None` if the request is not signed with credentials that this stub gave.
    pub fn read(headers: &'a HeaderMap, body: &'a [u8]) -> Option<Self> {
        let authorization = headers.get("authorization")?.to_str().ok()?;
        let (_, scope) = authorization.split_once("Credential=")?;
        // The access key, the date, the region, the service.
        let mut parts = scope.split('/');
        let account = account::of_access_key(parts.next()?)?;
        let service = parts.nth(2)?;
        let operation = match headers.get("x-amz-target") {
            // Of a service that speaks JSON: `AWSOrganizationsV20161128.ListAccounts`.
            Some(target) => Cow::Borrowed(target.to_str().ok()?.rsplit('.').next()?),
            None => parameter(body, "Action")?,
        };
        Some(Self { service, operation, account, body })
    }

    /// A parameter of the Query protocol.
    pub fn parameter(&self, name: &str) -> Option<Cow<'a, str>> {
        parameter(self.body, name)
    }
}

fn parameter<'a>(body: &'a [u8], name: &str) -> Option<Cow<'a, str>> {
    form_urlencoded::parse(body).find(|(key, _)| key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(target: Option<&str>) -> HeaderMap {
        let scope = "AWS4-HMAC-SHA256 Credential=ASIADUMM200000000042/20260101/us-east-1/iam/aws4_request, Signature=0";
        let mut headers = HeaderMap::new();
        headers.insert("authorization", scope.parse().unwrap());
        if let Some(target) = target {
            headers.insert("x-amz-target", target.parse().unwrap());
        }
        headers
    }

    #[test]
    fn service_account_and_operation_are_read_from_signature_and_body() {
        let headers = headers(None);
        let call = Call::read(&headers, b"Action=GetRole&RoleName=a%2Fb&Version=2010-05-08").unwrap();
        assert_eq!((call.service, &*call.operation, call.account), ("iam", "GetRole", 42));
        assert_eq!(call.parameter("RoleName").unwrap(), "a/b");
        assert_eq!(call.parameter("PolicyArn"), None);
    }

    #[test]
    fn the_operation_of_a_json_service_is_in_its_target() {
        let headers = headers(Some("AWSOrganizationsV20161128.ListAccounts"));
        assert_eq!(Call::read(&headers, b"{}").unwrap().operation, "ListAccounts");
    }

    #[test]
    fn a_request_without_a_signature_is_no_call() {
        assert!(Call::read(&HeaderMap::new(), b"Action=GetRole").is_none());
    }
}
