//! Some time after healing there is one master; all Sentinels name it, all other nodes follow it and hold its data.

use crate::env::{HostId, name};
use crate::world::World;

/// Whether it is so by now.
pub(crate) fn check(world: &World) -> Result<(), String> {
    let masters: Vec<HostId> =
        world.running_nodes().filter(|(_, node)| node.follows().is_none()).map(|(host, _)| host).collect();
    let [master] = masters.as_slice() else {
        return Err(format!("there are {} masters", masters.len()));
    };
    for (host, guard) in world.running_guards() {
        match guard.master() {
            Some(named) if named == *master => {}
            Some(named) => {
                return Err(format!("{} names {}, not {}", name(host), name(named), name(*master)));
            }
            None => return Err(format!("{} names a master that does not exist", name(host))),
        }
    }
    let Some((_, leader)) = world.running_nodes().find(|(host, _)| host == master) else {
        return Err("the master does not run".into());
    };
    let (id, offset, data) = leader.position();
    for (host, node) in world.running_nodes().filter(|(host, _)| host != master) {
        let host = name(host);
        if node.follows() != Some(*master) {
            return Err(format!("{host} does not follow {}", name(*master)));
        }
        if !node.is_linked(&world.env) {
            return Err(format!("{host} is not in sync"));
        }
        let (own_id, own_offset, own_data) = node.position();
        // PINGs may be under way.
        if own_id != id || own_offset > offset || own_data != data {
            return Err(format!(
                "{host} has {} writes at {own_id}:{own_offset}, the master {} at {id}:{offset}",
                own_data.len(),
                data.len()
            ));
        }
    }
    Ok(())
}
