use super::*;

#[test]
fn nothing_yet() {
    assert!(!Log::new(ReplId::NONE).is_active());
}
