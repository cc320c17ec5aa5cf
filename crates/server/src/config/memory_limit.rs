//! How much memory there is for the process: what a percentage of `maxmemory` refers to.

/// The memory the process may use, in bytes: the smallest limit of its control groups, or the machine's memory if that is
/// less. `read` gives the content of a file of /proc or /sys, if it is there; `None` if nothing can be found out.
///
/// Understands version 2 of control groups (`memory.max` in the process's group and all above it) and version 1
/// (`memory.limit_in_bytes`). In a container the group's path may be that of the host, which is not visible; the root
/// that is visible is then the container's own group, and is always looked at.
pub fn memory_limit(read: impl Fn(&str) -> Option<String>) -> Option<u64> {
    let groups = read("/proc/self/cgroup").unwrap_or_default();
    let mut limits: Vec<u64> = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let limit = |group: &str| read(&format!("{root}{group}/{file}"))?.trim().parse::<u64>().ok();
        limits.extend(ancestors(path).filter_map(limit));
    }
    limits.extend(read("/proc/meminfo").as_deref().and_then(total_memory));
    limits.into_iter().min()
}

/// A group's path and those of the groups above it, down to the root, which is empty.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path.trim_end_matches('/')), |path| {
        path.rfind('/').map(|slash| &path[..slash])
    })
}

/// The line is `MemTotal:  16303428 kB`.
fn total_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::memory_limit;

    const MEMINFO: (&str, &str) = ("/proc/meminfo", "MemTotal:       1000 kB\nMemFree: 1 kB\n");

    fn limit(files: &[(&str, &str)]) -> Option<u64> {
        memory_limit(|path| files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned()))
    }

    #[test]
    fn without_groups_it_is_the_memory_of_the_machine() {
        assert_eq!(limit(&[]), None);
        assert_eq!(limit(&[MEMINFO]), Some(1_024_000));
        assert_eq!(limit(&[("/proc/meminfo", "nonsense")]), None);
    }

    #[test]
    fn the_smallest_limit_of_all_groups_above_counts() {
        let group = ("/proc/self/cgroup", "0::/system.slice/redan.service\n");
        let own = ("/sys/fs/cgroup/system.slice/redan.service/memory.max", "max\n");
        let slice = ("/sys/fs/cgroup/system.slice/memory.max", "500000\n");
        assert_eq!(limit(&[MEMINFO, group, own]), Some(1_024_000));
        assert_eq!(limit(&[MEMINFO, group, own, slice]), Some(500_000));
    }

    #[test]
    fn a_container_sees_its_group_as_the_root() {
        let root = ("/sys/fs/cgroup/memory.max", "300000\n");
        assert_eq!(limit(&[MEMINFO, ("/proc/self/cgroup", "0::/\n"), root]), Some(300_000));
        assert_eq!(limit(&[MEMINFO, ("/proc/self/cgroup", "0::/../host/path\n"), root]), Some(300_000));
    }

    #[test]
    fn version_one_is_understood() {
        let group = ("/proc/self/cgroup", "12:cpu,cpuacct:/a\n5:memory:/docker/x\n");
        let own = ("/sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes", "400000\n");
        let unlimited = ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(limit(&[MEMINFO, group, own, unlimited]), Some(400_000));
        assert_eq!(limit(&[MEMINFO, group, unlimited]), Some(1_024_000));
    }
}
