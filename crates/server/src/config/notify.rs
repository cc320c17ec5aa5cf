//! The letters of `notify-keyspace-events`.

/// The classes that `A` stands for, in the order they are shown.
const ALL: &[u8] = b"g$lshzxetd";
/// The other letters, in the order they are shown after the classes: new keys, where to publish, misses.
const OTHERS: &[u8] = b"nKEm";

/// Brings the letters into the form CONFIG GET shows: each once, in a fixed order, `A` for all classes.
pub(super) fn canonical(letters: &[u8]) -> Result<String, String> {
    if letters.iter().any(|letter| *letter != b'A' && !ALL.contains(letter) && !OTHERS.contains(letter)) {
        return Err("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".into());
    }
    let given = |class: &&u8| letters.contains(class);
    let mut shown = String::new();
    if letters.contains(&b'A') || ALL.iter().all(|class| letters.contains(class)) {
        shown.push('A');
    } else {
        shown.extend(ALL.iter().filter(given).map(|class| char::from(*class)));
    }
    shown.extend(OTHERS.iter().filter(given).map(|class| char::from(*class)));
    Ok(shown)
}
