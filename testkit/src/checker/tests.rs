//! Each kind of violation is found, and a correct run has none.

use super::*;

fn posted(all: &[(usize, &str, DeliveryReport)]) -> Vec<PostedMessage> {
    all.iter().map(|&(writer, text, report)| PostedMessage { writer, text: text.into(), report }).collect()
}

fn received(name: &str, texts: &[&str]) -> ListenerLog {
    ListenerLog { name: name.into(), texts: texts.iter().map(|&text| text.into()).collect(), ..ListenerLog::default() }
}

const CONFIRMED: DeliveryReport = DeliveryReport::Confirmed { seq: None };

#[test]
fn accepts_a_correct_run() {
    let posted = posted(&[
        (0, "a1", DeliveryReport::Confirmed { seq: Some(1) }),
        (0, "a2", DeliveryReport::Unconfirmed),
        (1, "b1", DeliveryReport::Confirmed { seq: Some(2) }),
        (1, "b2", DeliveryReport::NeverSent),
    ]);
    let (summary, violations) =
        check(&posted, &[received("one", &["a1", "b1", "a2"]), received("two", &["a1", "b1", "a2"])]);
    assert_eq!(violations, []);
    assert_eq!((summary.confirmed, summary.unconfirmed, summary.not_sent), (2, 1, 1));
}

#[test]
fn finds_each_kind_of_violation() {
    let all =
        posted(&[(0, "a1", CONFIRMED), (0, "a2", CONFIRMED), (1, "b1", CONFIRMED), (1, "b2", DeliveryReport::Refused)]);
    let find = |texts: &[&str]| check(&all, &[received("one", texts)]).1;
    assert!(matches!(find(&["a1", "a2"])[..], [Violation::Lost { .. }]));
    assert!(matches!(find(&["a1", "a2", "b1", "a1"])[..], [Violation::Duplicated { .. }]));
    assert!(matches!(find(&["a2", "a1", "b1"])[..], [Violation::SenderOrder { .. }]));
    assert!(matches!(find(&["a1", "a2", "b1", "b2"])[..], [Violation::Unexpected { .. }]));
    assert!(matches!(find(&["a1", "a2", "b1", "zz"])[..], [Violation::Unexpected { .. }]));
    let two = [received("one", &["a1", "a2", "b1"]), received("two", &["b1", "a1", "a2"])];
    assert!(check(&all, &two).1.iter().all(|v| matches!(v, Violation::ListenerOrder { .. })));
    assert!(!check(&all, &two).1.is_empty());
    let swapped = posted(&[
        (0, "a1", DeliveryReport::Confirmed { seq: Some(2) }),
        (1, "b1", DeliveryReport::Confirmed { seq: Some(1) }),
    ]);
    assert!(matches!(check(&swapped, &[received("one", &["a1", "b1"])]).1[..], [Violation::SequenceMismatch { .. }]));
    let mut log = received("log", &["b1", "a1"]);
    log.seqs = vec![1, 2];
    assert_eq!(check(&swapped, std::slice::from_ref(&log)).1, []);
    log.seqs = vec![2, 3];
    assert_eq!(check(&swapped, std::slice::from_ref(&log)).1.len(), 2);
    log.seqs = vec![1, 3];
    assert_eq!(check(&swapped, &[log]).1.len(), 2);
}

#[test]
fn an_unconfirmed_message_may_come_late() {
    let order =
        |report| check(&posted(&[(0, "a1", report), (0, "a2", CONFIRMED)]), &[received("one", &["a2", "a1"])]).1;
    assert_eq!(order(DeliveryReport::Unconfirmed), []);
    assert!(matches!(order(CONFIRMED)[..], [Violation::SenderOrder { .. }]));
}

#[test]
fn a_reported_gap_excuses_missing_only() {
    let all = posted(&[(0, "a1", CONFIRMED), (0, "a2", CONFIRMED)]);
    let mut listener = received("one", &["a2"]);
    listener.gaps = true;
    assert_eq!(check(&all, &[listener]).1, []);
}

#[test]
fn a_removed_message_is_not_lost() {
    let seq = |seq| DeliveryReport::Confirmed { seq: Some(seq) };
    let posted = posted(&[(0, "a1", seq(1)), (0, "a2", seq(2)), (0, "a3", seq(3))]);
    let mut log = received("the log", &["a1", "a2", "a3"]);
    log.seqs = vec![1, 2, 3];
    let without = received("late", &["a1", "a3"]);
    assert!(matches!(check(&posted, &[log.clone(), without.clone()]).1[..], [Violation::Lost { .. }]));
    log.removed.insert("a2".into());
    assert_eq!(check(&posted, &[log.clone(), without]).1, []);
    // Its place is kept: nothing else may be missing or in another order.
    assert!(!check(&posted, &[log.clone(), received("late", &["a3", "a1"])]).1.is_empty());
    assert!(matches!(check(&posted, &[log, received("late", &["a3"])]).1[..], [Violation::Lost { .. }]));
}

#[test]
fn an_expired_message_is_lost_unless_told() {
    let seq = |seq| DeliveryReport::Confirmed { seq: Some(seq) };
    let posted = posted(&[(0, "a1", seq(1)), (0, "a2", seq(2)), (0, "a3", seq(3))]);
    let mut log = received("the log", &["a1", "a2", "a3"]);
    log.seqs = vec![1, 2, 3];
    log.expired = ["a1".to_owned(), "a2".to_owned()].into();
    let mut late = received("late", &["a3"]);
    assert!(matches!(
        check(&posted, &[log.clone(), late.clone()]).1[..],
        [Violation::Lost { .. }, Violation::Lost { .. }]
    ));
    late.told_expired = [1, 2].into();
    assert_eq!(check(&posted, &[log.clone(), late.clone()]).1, []);
    late.told_expired.insert(3);
    assert!(matches!(check(&posted, &[log, late]).1[..], [Violation::FalselyExpired { seq: 3, .. }]));
}
