//! Putting elements in order.

use std::cmp::Ordering;

use redan_engine::{Cx, ReplyError};

use super::options::Options;

const NOT_A_NUMBER: ReplyError = ReplyError::fixed("ERR One or more scores can't be converted into double");

/// What an element is sorted by.
enum Weight {
    Number(f64),
    /// The element's own text.
    Own,
    /// The text of another key; nothing comes before everything.
    Text(Option<Vec<u8>>),
}

/// The elements that are wanted, in order.
///
/// # Errors
/// Something that is to be sorted as a number is none.
pub(super) fn sorted(
    cx: &mut Cx<'_, '_>,
    elements: Vec<Vec<u8>>,
    options: &Options<'_>,
) -> Result<Vec<Vec<u8>>, ReplyError> {
    if !options.sorts {
        return Ok(elements);
    }
    let mut weighed = Vec::with_capacity(elements.len());
    for element in elements {
        weighed.push((weigh(cx, &element, options)?, element));
    }
    let order = |a: &(Weight, Vec<u8>), b: &(Weight, Vec<u8>)| {
        let order = compare(a, b);
        if options.descending { order.reverse() } else { order }
    };
    let (skip, n) = options.range(weighed.len());
    // Only the wanted ones need to be in order.
    let end = skip + n;
    if n == 0 {
        return Ok(Vec::new());
    }
    if end < weighed.len() {
        weighed.select_nth_unstable_by(end, order);
        weighed.truncate(end);
    }
    weighed.sort_by(order);
    Ok(weighed.into_iter().skip(skip).map(|(_, element)| element).collect())
}

fn weigh(cx: &mut Cx<'_, '_>, element: &[u8], options: &Options<'_>) -> Result<Weight, ReplyError> {
    match (&options.by, options.alpha) {
        (None, true) => Ok(Weight::Own),
        (None, false) => number(element),
        (Some(by), true) => Ok(Weight::Text(by.look_up(cx, element))),
        (Some(by), false) => by.look_up(cx, element).map_or(Ok(Weight::Number(0.0)), |text| number(&text)),
    }
}

/// The empty text counts as 0.
fn number(text: &[u8]) -> Result<Weight, ReplyError> {
    if text.is_empty() {
        return Ok(Weight::Number(0.0));
    }
    let number = redan_resp::parse_f64(text).filter(|number| !number.is_nan());
    number.map(Weight::Number).ok_or(NOT_A_NUMBER)
}

/// Elements of the same number are sorted by their text, so that the result is always the same.
fn compare(a: &(Weight, Vec<u8>), b: &(Weight, Vec<u8>)) -> Ordering {
    match (&a.0, &b.0) {
        // Not a number was refused, so they compare.
        (Weight::Number(x), Weight::Number(y)) => {
            x.partial_cmp(y).unwrap_or(Ordering::Equal).then_with(|| a.1.cmp(&b.1))
        }
        (Weight::Text(x), Weight::Text(y)) => x.cmp(y),
        _ => a.1.cmp(&b.1),
    }
}
