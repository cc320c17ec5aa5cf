//! Natural numbers of any size: just enough to convert between decimal and binary exactly.

use std::cmp::Ordering;

/// A natural number: digits of 32 bits, the lowest first, without zeros at the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bignum {
    digits: Vec<u32>,
}

impl From<u128> for Bignum {
    fn from(value: u128) -> Self {
        let mut number = Bignum { digits: (0..4).map(|i| (value >> (32 * i)) as u32).collect() };
        number.trim();
        number
    }
}

impl Bignum {
    fn trim(&mut self) {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
    }

    /// Bits up to the highest that is set.
    pub(super) fn bits(&self) -> usize {
        self.digits.last().map_or(0, |top| self.digits.len() * 32 - top.leading_zeros() as usize)
    }

    /// `self = self * factor + summand`
    pub(super) fn mul_add(&mut self, factor: u32, summand: u32) {
        let mut carry = u64::from(summand);
        for digit in &mut self.digits {
            let product = u64::from(*digit) * u64::from(factor) + carry;
            *digit = product as u32;
            carry = product >> 32;
        }
        if carry != 0 {
            self.digits.push(carry as u32);
        }
    }

    /// `self = self * 10^exponent`
    fn mul_pow10(&mut self, mut exponent: usize) {
        while exponent > 0 {
            let step = exponent.min(9);
            self.mul_add(10u32.pow(step as u32), 0);
            exponent -= step;
        }
    }

    /// `self = self * 2^bits`
    pub(super) fn shift_left(&mut self, bits: usize) {
        self.mul_add(1 << (bits % 32), 0);
        if !self.digits.is_empty() {
            self.digits.splice(0..0, std::iter::repeat_n(0, bits / 32));
        }
    }

    /// `self = self - other`, which must not be larger.
    fn sub(&mut self, other: &Bignum) {
        let mut borrow = false;
        for (i, digit) in self.digits.iter_mut().enumerate() {
            let (difference, below) = digit.overflowing_sub(other.digits.get(i).copied().unwrap_or(0));
            let (difference, below_too) = difference.overflowing_sub(u32::from(borrow));
            *digit = difference;
            borrow = below || below_too;
        }
        debug_assert!(!borrow, "the difference is negative");
        self.trim();
    }

    fn compare(&self, other: &Bignum) -> Ordering {
        let by_len = self.digits.len().cmp(&other.digits.len());
        by_len.then_with(|| self.digits.iter().rev().cmp(other.digits.iter().rev()))
    }

    /// The highest bits, at most 66 of them and one for what is below, and how many bits were cut off.
    fn top(&self) -> (u128, i64) {
        let cut = self.bits().saturating_sub(66);
        let mut top = 0u128;
        for (i, &digit) in self.digits.iter().enumerate().rev() {
            let position = i as i64 * 32 - cut as i64;
            match position {
                0.. => top |= u128::from(digit) << position,
                -31..0 => {
                    top |= u128::from(digit >> -position);
                    top |= u128::from(digit << (32 + position) != 0);
                }
                _ => top |= u128::from(digit != 0),
            }
        }
        (top, cut as i64)
    }

    /// The number in decimal; `0` for zero.
    pub(super) fn into_decimal(mut self) -> Vec<u8> {
        const STEP: u64 = 1_000_000_000;
        let mut groups = Vec::new();
        while !self.digits.is_empty() {
            let mut rest = 0u64;
            for digit in self.digits.iter_mut().rev() {
                let dividend = rest << 32 | u64::from(*digit);
                *digit = (dividend / STEP) as u32;
                rest = dividend % STEP;
            }
            groups.push(rest);
            self.trim();
        }
        let mut text = groups.pop().unwrap_or(0).to_string().into_bytes();
        for group in groups.iter().rev() {
            text.extend_from_slice(format!("{group:09}").as_bytes());
        }
        text
    }
}

/// `digits * 10^exponent` as a mantissa of at least 66 bits or the exact value, and an exponent of two.
///
/// What does not fit in the mantissa is recorded in its lowest bit. `digits` are ASCII and begin with no zero.
pub(super) fn binary(digits: &[u8], exponent: i64) -> (u128, i64) {
    let mut dividend = Bignum::from(0);
    for group in digits.chunks(9) {
        let value = group.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
        dividend.mul_add(10u32.pow(group.len() as u32), value);
    }
    let Ok(places) = usize::try_from(-exponent) else {
        dividend.mul_pow10(exponent as usize);
        return dividend.top();
    };
    let mut divisor = Bignum::from(1);
    divisor.mul_pow10(places);
    divide(dividend, divisor)
}

/// A quotient as [`binary`] returns it: long division, bit by bit.
fn divide(mut dividend: Bignum, mut divisor: Bignum) -> (u128, i64) {
    const QUOTIENT_BITS: usize = 68;
    // Let the quotient begin with its first bit or the one after.
    let exponent = dividend.bits() as i64 - divisor.bits() as i64;
    match usize::try_from(exponent) {
        Ok(shift) => divisor.shift_left(shift),
        Err(_) => dividend.shift_left(exponent.unsigned_abs() as usize),
    }
    let mut quotient = 0u128;
    for _ in 0..QUOTIENT_BITS {
        quotient <<= 1;
        if dividend.compare(&divisor) != Ordering::Less {
            dividend.sub(&divisor);
            quotient |= 1;
        }
        dividend.shift_left(1);
    }
    quotient |= u128::from(!dividend.digits.is_empty());
    (quotient, exponent - (QUOTIENT_BITS as i64 - 1))
}
