//! The IAM operations that this product calls, as one list.

use std::fmt;

/// One list makes the type, its names and [`Operation::ALL`].
macro_rules! operations {
    ($($name:ident),+ $(,)?) => {
        /// An IAM operation that this product calls. Its name is also the name of the IAM action.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Operation {
            $($name),+
        }

        impl Operation {
            /// Every operation that this product calls. The session in a member account is limited to these, and a test
            /// compares them with the function's role in `template.yaml`.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// As IAM spells it, such as `GetRole`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name)),+
                }
            }
        }
    };
}

operations! {
    GetRole,
    GetRolePolicy,
    GetPolicy,
    GetPolicyVersion,
    ListAttachedRolePolicies,
    ListRolePolicies,
    ListInstanceProfilesForRole,
    ListPolicyVersions,
    ListEntitiesForPolicy,
    CreateRole,
    UpdateAssumeRolePolicy,
    UpdateRole,
    PutRolePermissionsBoundary,
    DeleteRolePermissionsBoundary,
    TagRole,
    UntagRole,
    AttachRolePolicy,
    DetachRolePolicy,
    PutRolePolicy,
    DeleteRolePolicy,
    DeleteRole,
    CreatePolicy,
    CreatePolicyVersion,
    SetDefaultPolicyVersion,
    DeletePolicyVersion,
    TagPolicy,
    UntagPolicy,
    DeletePolicy,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Operation;
    use std::collections::BTreeSet;

    #[test]
    fn the_functions_role_may_do_every_operation_and_nothing_else_in_iam() {
        let template = include_str!("../../template.yaml");
        let policy = template.split("\n  FunctionPolicy:\n").nth(1).expect("the policy of the function's role");
        // The next resource is as far to the left.
        let is_next = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
        let lines = policy.lines().take_while(|line| !is_next(line)).map(str::trim);
        let is_action = |line: &&str| line.starts_with("- iam:") || line.starts_with("Action: iam:");
        let granted: Vec<_> = lines.filter(is_action).filter_map(|line| line.split("iam:").nth(1)).collect();
        let granted: BTreeSet<_> = granted.into_iter().collect();
        assert_eq!(granted, Operation::ALL.iter().map(|operation| operation.name()).collect());
    }
}
