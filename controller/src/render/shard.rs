//! Which Prometheus scrapes which server: weighted rendezvous hashing as for
//! exporters, with a bound for each shard.
//!
//! A server that finds its shard full goes to its next best. Servers come in the
//! order of their numbers, so a new one never moves an older one.

use sha2::{Digest, Sha256};

use super::assign::score;
use crate::model::MonitoredServer;

/// One Prometheus, or several that have the same targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Its name, which decides with the weight what it gets.
    pub name: String,
    /// Sites whose servers it takes first; servers of other sites only when there
    /// is no room elsewhere. None: it takes those that no other wants.
    pub sites: Vec<String>,
    /// Its share, in proportion to that of the others.
    pub weight: u32,
    /// Most targets, unless it is the only shard.
    pub max_targets: usize,
}

/// The shard of each server, as its place in the list of shards, in the order of
/// the servers; `None` where all are full, and for those that are not `wanted` by
/// their place. A single shard takes all.
#[must_use]
pub fn distribute(
    servers: &[MonitoredServer],
    shards: &[Shard],
    wanted: impl Fn(usize) -> bool,
) -> Vec<Option<usize>> {
    let mut order: Vec<usize> = (0..servers.len()).filter(|at| wanted(*at)).collect();
    order.sort_unstable_by_key(|at| servers.get(*at).map(|server| server.id));
    let is_bounded = shards.len() > 1;
    let keys: Vec<u64> = shards.iter().map(|shard| key(&shard.name)).collect();
    let mut taken = vec![0; shards.len()];
    let mut result = vec![None; servers.len()];
    for at in order {
        let (Some(server), Some(place)) = (servers.get(at), result.get_mut(at)) else {
            continue;
        };
        let with_room = shards.iter().zip(&keys).zip(&taken).enumerate();
        let with_room =
            with_room.filter(|(_, ((shard, _), taken))| !is_bounded || **taken < shard.max_targets);
        let best = with_room
            .map(|(index, ((shard, key), _))| {
                let number = score(server.id, *key, f64::from(shard.weight));
                (nearness(shard, server), number, index)
            })
            .max_by(|(near_a, a, x), (near_b, b, y)| {
                near_a.cmp(near_b).then(a.total_cmp(b)).then(y.cmp(x))
            });
        if let Some((_, _, index)) = best {
            *place = Some(index);
            if let Some(taken) = taken.get_mut(index) {
                *taken += 1;
            }
        }
    }
    result
}

/// How much a shard is for a server: 2 of its site, 1 of no site, 0 of another.
fn nearness(shard: &Shard, server: &MonitoredServer) -> u8 {
    if shard.sites.is_empty() {
        1
    } else if !server.site.is_empty() && shard.sites.contains(&server.site) {
        2
    } else {
        0
    }
}

/// The number that stands for a name; the same on every machine.
fn key(name: &str) -> u64 {
    let digest = Sha256::digest(name);
    digest
        .iter()
        .take(8)
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::assign::tests::server;
    use super::*;

    fn distribute(servers: &[MonitoredServer], shards: &[Shard]) -> Vec<Option<usize>> {
        super::distribute(servers, shards, |_| true)
    }

    /// How many servers each shard has.
    fn loads(distribution: &[Option<usize>], shards: usize) -> Vec<usize> {
        let mut loads = vec![0; shards];
        for shard in distribution.iter().flatten() {
            loads[*shard] += 1;
        }
        loads
    }

    const SITES: [&str; 4] = ["", "east", "west", "north"];

    pub(crate) fn shard(name: &str, site: &str, weight: u32, max_targets: usize) -> Shard {
        Shard {
            name: name.to_owned(),
            sites: Some(site.to_owned())
                .into_iter()
                .filter(|site| !site.is_empty())
                .collect(),
            weight,
            max_targets,
        }
    }

    fn named<'a>(distribution: &[Option<usize>], shards: &'a [Shard]) -> Vec<Option<&'a str>> {
        let names = distribution.iter();
        names
            .map(|at| at.map(|at| shards[at].name.as_str()))
            .collect()
    }

    fn fleet(sites: &[usize]) -> Vec<MonitoredServer> {
        (1_i64..)
            .zip(sites)
            .map(|(id, site)| server(id, SITES[*site]))
            .collect()
    }

    proptest! {
        #[test]
        fn a_new_shard_takes_only_its_share_and_nothing_else_moves(
            sites in vec(0..3_usize, 1..6),
            weights in vec(1..1000_u32, 6),
            new_site in 0..3_usize,
            servers in vec(0..4_usize, 1..300),
        ) {
            let mut shards: Vec<Shard> = sites
                .iter()
                .zip(&weights)
                .enumerate()
                .map(|(n, (site, weight))| shard(&format!("s{n}"), SITES[*site], *weight, 1000))
                .collect();
            let servers = fleet(&servers);
            let before = shards.clone();
            let before = named(&distribute(&servers, &before), &before)
                .into_iter()
                .map(|name| name.map(str::to_owned))
                .collect::<Vec<_>>();
            prop_assert!(before.iter().all(Option::is_some), "there is room for all");
            shards.push(shard("new", SITES[new_site], weights[5], 1000));
            let after = distribute(&servers, &shards);
            for (old, new) in before.iter().zip(named(&after, &shards)) {
                prop_assert!(old.as_deref() == new || new == Some("new"));
            }
            let mut reversed = shards.clone();
            reversed.reverse();
            let again = distribute(&servers, &reversed);
            prop_assert_eq!(named(&again, &reversed), named(&after, &shards), "no order");
        }

        #[test]
        fn a_new_shard_takes_about_its_share(count in 1..8_usize) {
            let servers = fleet(&vec![0; 8_000]);
            let shards: Vec<Shard> = (0..=count)
                .map(|n| shard(&format!("s{n}"), "", 100, 100_000))
                .collect();
            let taken = loads(&distribute(&servers, &shards), shards.len())[count];
            let share = 8_000 / (count + 1);
            prop_assert!(taken.abs_diff(share) < share / 5 + 60, "{} of {}", taken, share);
        }

        #[test]
        fn nobody_gets_too_many_and_nobody_is_left_out_while_there_is_room(
            rooms in vec(1..40_usize, 2..6),
            sites in vec(0..3_usize, 6),
            servers in vec(0..4_usize, 1..200),
        ) {
            let shards: Vec<Shard> = rooms
                .iter()
                .zip(&sites)
                .enumerate()
                .map(|(n, (room, site))| shard(&format!("s{n}"), SITES[*site], 100, *room))
                .collect();
            let servers = fleet(&servers);
            let all = distribute(&servers, &shards);
            for (load, room) in loads(&all, shards.len()).iter().zip(&rooms) {
                prop_assert!(load <= room);
            }
            let placed = all.iter().flatten().count();
            prop_assert_eq!(placed, servers.len().min(rooms.iter().sum()));
            // One more server moves none of those that were there.
            let fewer = distribute(&servers[..servers.len() - 1], &shards);
            prop_assert_eq!(&all[..servers.len() - 1], &fewer[..]);
        }
    }

    #[test]
    fn the_site_comes_first_and_one_shard_takes_all() {
        let shards = [
            shard("any", "", 1, 1),
            shard("east", "east", 1, 10),
            shard("west", "west", 1000, 10),
        ];
        let servers = [
            server(1, "east"),
            server(2, "west"),
            server(3, "north"),
            server(4, "north"),
        ];
        let found = distribute(&servers, &shards);
        let found = named(&found, &shards);
        assert_eq!(found[..3], [Some("east"), Some("west"), Some("any")]);
        assert!(
            matches!(found[3], Some("east" | "west")),
            "no room but there"
        );
        let alone = [shard("any", "west", 1, 1)];
        assert_eq!(distribute(&servers, &alone), vec![Some(0); 4]);
    }
}
