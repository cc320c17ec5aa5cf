//! LOLWUT: a picture, and the version.

use redan_engine::{Arg, ArgKind, CmdResult, Command, Cx, Group, REDIS_VERSION, flag};
use redan_resp::Args;

/// LOLWUT [VERSION version]
pub(super) const LOLWUT: Command = Command::new("lolwut", -1, lolwut)
    .flags(flag::READONLY | flag::FAST)
    .docs(Group::Server, "5.0.0", "", "Displays computer art and the Redis version")
    .args(&[Arg::new("version", ArgKind::Integer).after("VERSION").optional()]);

const WIDTH: usize = 64;
const HEIGHT: usize = 18;

/// Darkness, from sky to rock.
const SHADES: &[u8] = b" .:-=+*#%@";

fn lolwut(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    let mut picture = ridge(fastrand::Rng::with_seed(cx.now_ms as u64));
    picture.push_str(&format!("\nRedis ver. {REDIS_VERSION}\n"));
    cx.out.verbatim("txt", picture.as_bytes());
    Ok(())
}

/// Ranges of hills, one behind the other: each is a midpoint displacement, nearer ones are darker.
fn ridge(mut random: fastrand::Rng) -> String {
    let mut rows = vec![vec![SHADES[0]; WIDTH]; HEIGHT];
    for range in 1..4 {
        let shade = SHADES[range * 3];
        let heights = displaced(&mut random, (4 - range) as f64 * HEIGHT as f64 / 4.5);
        for (x, height) in heights.iter().enumerate().take(WIDTH) {
            let top = HEIGHT - (height.max(1.0) as usize).min(HEIGHT);
            rows[top..].iter_mut().for_each(|row| row[x] = shade);
        }
    }
    let lines = rows.iter().map(|row| String::from_utf8_lossy(row).trim_end().to_owned());
    lines.map(|line| line + "\n").collect()
}

/// Heights around `level` along the width of the picture.
fn displaced(random: &mut fastrand::Rng, level: f64) -> Vec<f64> {
    let mut heights = vec![level; WIDTH + 1];
    let (mut step, mut swing) = (WIDTH, level);
    while step > 1 {
        for left in (0..WIDTH).step_by(step) {
            let middle = (heights[left] + heights[left + step]) / 2.0;
            heights[left + step / 2] = middle + (random.f64() - 0.5) * swing;
        }
        step /= 2;
        swing *= 0.55;
    }
    heights
}

#[cfg(test)]
mod tests {
    use crate::testing::Rig;

    #[test]
    fn it_ends_with_the_version() {
        let picture = Rig::new().run("LOLWUT VERSION 5 1 2 3");
        assert!(picture.contains("@@@") && picture.ends_with("\nRedis ver. 7.4.0\n"), "{picture}");
    }
}
