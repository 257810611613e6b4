//! The events of a scenario.

use std::time::Duration;

use netsim_scenario::Action;

use super::Run;
use crate::{
    agenda::{Deed, HostNo},
    population::Standing,
};

impl Run<'_> {
    pub(super) fn event(&mut self, number: usize) {
        let event = self.scenario.events[number].clone();
        let now = self.sim.now();
        match event.action {
            Action::Kill { group, share } => self.end_all(&group, share, true),
            Action::Leave { group, share } => self.end_all(&group, share, false),
            Action::Restart {
                group,
                share,
                after,
                disk,
            } => {
                for host in self.population.draw(&group, share) {
                    self.depart(host, true);
                    self.away(host, after.0, disk);
                }
            }
            Action::Start { group, count, over } => self.start_some(&group, count, over.0),
            Action::Split {
                regions,
                share,
                lasting,
            } => {
                let sides = self.sides(regions.as_deref(), share);
                let split = self.sim.split(sides);
                self.splits.insert(number, split);
                if let Some(lasting) = lasting {
                    self.agenda.add(now + lasting.0, Deed::EventOver(number));
                }
            }
            Action::Cut { between, lasting } => {
                let sides = self.cut(&between);
                let split = self.sim.split(sides);
                self.splits.insert(number, split);
                if let Some(lasting) = lasting {
                    self.agenda.add(now + lasting.0, Deed::EventOver(number));
                }
            }
            Action::Freeze {
                group,
                share,
                lasting,
            } => {
                for number in self.population.draw(&group, share) {
                    let host = &mut self.population.hosts[number];
                    host.standing = Standing::Frozen;
                    let (id, life) = (host.id, host.life);
                    self.sim.freeze(id);
                    self.agenda.add(now + lasting.0, Deed::Thaw(number, life));
                }
            }
            Action::Behave {
                group,
                share,
                behave,
            } => {
                for number in self.population.draw(&group, share) {
                    self.turn(number, behave.clone());
                }
            }
        }
    }

    pub(super) fn event_over(&mut self, number: usize) {
        if let Some(split) = self.splits.remove(&number) {
            self.sim.mend(split);
        }
    }

    fn end_all(&mut self, group: &str, share: f64, crash: bool) {
        for host in self.population.draw(group, share) {
            self.depart(host, crash);
            self.forget_member(host);
        }
    }

    fn start_some(&mut self, group: &str, count: Option<u32>, over: Duration) {
        let now = self.sim.now();
        let Some(group) = self.population.group_no(group) else {
            return;
        };
        let waiting: Vec<_> = self
            .population
            .of_group(group)
            .iter()
            .copied()
            .filter(|host| self.population.hosts[*host].standing == Standing::Waiting)
            .take(count.map_or(usize::MAX, |count| count as usize))
            .collect();
        let all = waiting.len().max(1);
        for (place, host) in waiting.into_iter().enumerate() {
            let after = over.mul_f64(place as f64 / all as f64);
            self.agenda.add(now + after, Deed::Start(host));
        }
    }

    fn sides(
        &mut self,
        regions: Option<&[Vec<netsim_scenario::Region>]>,
        share: Option<f64>,
    ) -> Vec<(simnet::HostId, u32)> {
        let chance = &mut self.chance;
        self.population
            .hosts
            .iter()
            .map(|host| {
                let side = match (regions, share) {
                    (Some(regions), _) => regions
                        .iter()
                        .position(|side| side.contains(&host.region))
                        .unwrap_or(0),
                    (None, share) => usize::from(chance.happens(share.unwrap_or(0.5))),
                };
                (host.id, u32::try_from(side).unwrap_or(u32::MAX))
            })
            .collect()
    }

    /// Two groups on two sides; every host of a group that is cut from itself on a side of its
    /// own.
    fn cut(&self, between: &[String]) -> Vec<(simnet::HostId, u32)> {
        let id = |host: &HostNo| self.population.hosts[*host].id;
        let groups: Vec<_> = between
            .iter()
            .filter_map(|group| self.population.group_no(group))
            .collect();
        match groups[..] {
            [one, other] if one == other => self
                .population
                .of_group(one)
                .iter()
                .enumerate()
                .map(|(place, host)| (id(host), u32::try_from(place).unwrap_or(u32::MAX)))
                .collect(),
            _ => groups
                .iter()
                .enumerate()
                .flat_map(|(side, group)| {
                    let side = u32::try_from(side).unwrap_or(u32::MAX);
                    self.population
                        .of_group(*group)
                        .iter()
                        .map(move |host| (host, side))
                })
                .map(|(host, side)| (id(host), side))
                .collect(),
        }
    }
}
