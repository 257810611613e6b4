//! Tasks and which of them are ready, in the order in which they were woken.

use std::{
    cell::RefCell,
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Wake, Waker},
};

use crate::{
    hosts::{HostId, Life},
    world,
};

/// A task's place, and which of those who had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskId {
    place: u32,
    tenant: u32,
}

type Work = Pin<Box<dyn Future<Output = ()>>>;

struct Task {
    tenant: u32,
    host: HostId,
    /// Taken while it is polled.
    work: Option<Work>,
    waker: Option<Waker>,
    alarm: Option<Arc<Alarm>>,
}

struct Alarm {
    task: TaskId,
    rung: AtomicBool,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.rung.swap(true, Ordering::Relaxed) {
            // The thread may be ending, and its queue gone before.
            READY
                .try_with(|ready| ready.borrow_mut().push_back(self.task))
                .ok();
        }
    }
}

#[derive(Default)]
struct Tasks {
    all: Vec<Task>,
    free: Vec<u32>,
}

thread_local! {
    static READY: RefCell<VecDeque<TaskId>> = const { RefCell::new(VecDeque::new()) };
    static TASKS: RefCell<Tasks> = RefCell::default();
}

/// Runs `work` as a task of `host`.
pub(crate) fn spawn(host: HostId, work: impl Future<Output = ()> + 'static) -> TaskId {
    let task = TASKS.with(|tasks| tasks.borrow_mut().insert(host, Box::pin(work)));
    world::with(|world| world.host_mut(host).tasks.push(task));
    wake(task);
    task
}

/// Has a task polled soon.
pub(crate) fn wake(task: TaskId) {
    let waker = TASKS.with(|tasks| tasks.borrow().get(task).and_then(|task| task.waker.clone()));
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// Drops tasks. They may still send words of farewell.
pub(crate) fn drop_all(tasks: &[TaskId]) {
    for task in tasks {
        let work = TASKS.with(|all| all.borrow_mut().remove(*task));
        drop(work);
    }
}

/// Polls the next task that is ready, if any is. Gives its host.
pub(crate) fn poll_next() -> Option<HostId> {
    loop {
        let task = READY.with(|ready| ready.borrow_mut().pop_front())?;
        let taken = TASKS.with(|tasks| tasks.borrow_mut().take(task));
        let Some((host, mut work, waker)) = taken else {
            continue;
        };
        if world::with(|world| world.stalls(host, task)) {
            TASKS.with(|tasks| tasks.borrow_mut().give_back(task, work));
            continue;
        }
        let done = world::as_host(host, || {
            work.as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_ready()
        });
        if done {
            world::with(|world| {
                world.host_mut(host).tasks.retain(|other| *other != task);
            });
            TASKS.with(|tasks| tasks.borrow_mut().remove(task));
            world::as_host(host, || drop(work));
        } else {
            TASKS.with(|tasks| tasks.borrow_mut().give_back(task, work));
        }
        return Some(host);
    }
}

/// Forgets everything: the simulation ends.
pub(crate) fn clear() {
    let tasks = TASKS.with(|tasks| std::mem::take(&mut *tasks.borrow_mut()));
    drop(tasks);
    READY.with(|ready| ready.borrow_mut().clear());
}

impl Tasks {
    fn insert(&mut self, host: HostId, work: Work) -> TaskId {
        let place = self.free.pop().unwrap_or_else(|| {
            self.all.push(Task {
                tenant: 0,
                host,
                work: None,
                waker: None,
                alarm: None,
            });
            u32::try_from(self.all.len() - 1).expect("fewer tasks than 2^32")
        });
        let task = &mut self.all[place as usize];
        let id = TaskId {
            place,
            tenant: task.tenant,
        };
        let alarm = Arc::new(Alarm {
            task: id,
            rung: AtomicBool::new(false),
        });
        task.host = host;
        task.work = Some(work);
        task.waker = Some(Waker::from(alarm.clone()));
        task.alarm = Some(alarm);
        id
    }

    fn get(&self, id: TaskId) -> Option<&Task> {
        self.all
            .get(id.place as usize)
            .filter(|task| task.tenant == id.tenant)
    }

    fn get_mut(&mut self, id: TaskId) -> Option<&mut Task> {
        self.all
            .get_mut(id.place as usize)
            .filter(|task| task.tenant == id.tenant)
    }

    fn take(&mut self, id: TaskId) -> Option<(HostId, Work, Waker)> {
        let task = self.get_mut(id)?;
        if let Some(alarm) = &task.alarm {
            alarm.rung.store(false, Ordering::Relaxed);
        }
        Some((task.host, task.work.take()?, task.waker.clone()?))
    }

    fn give_back(&mut self, id: TaskId, work: Work) {
        match self.get_mut(id) {
            Some(task) => task.work = Some(work),
            // Its host was stopped from within.
            None => drop(work),
        }
    }

    fn remove(&mut self, id: TaskId) -> Option<Work> {
        let task = self.get_mut(id)?;
        task.tenant = task.tenant.wrapping_add(1);
        task.waker = None;
        task.alarm = None;
        let work = task.work.take();
        self.free.push(id.place);
        work
    }
}

impl world::World {
    /// Whether `task` must wait since its host is frozen.
    fn stalls(&mut self, host: HostId, task: TaskId) -> bool {
        let host = self.host_mut(host);
        if host.life == Life::Frozen {
            host.stalled.push(task);
        }
        host.life == Life::Frozen
    }
}
