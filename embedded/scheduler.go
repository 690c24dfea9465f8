package embedded

import "container/heap"

// scheduler runs what a brokerSet has to do later: deliver delayed messages, make popped ones visible again, check
// transactions. Tasks survive restarts; none runs while the master is down. Guarded by the set's lock.
type scheduler struct {
	set   *brokerSet
	tasks taskHeap
	added int64
	stop  func() bool // of the timer for the next task, if it is set
}

type task struct {
	at    int64  // milliseconds
	order int64  // tasks of the same time run in the order in which they were added
	run   func() // under the set's lock
}

type taskHeap []*task

func (h taskHeap) Len() int { return len(h) }
func (h taskHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].order < h[j].order
}
func (h taskHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *taskHeap) Push(x any)   { *h = append(*h, x.(*task)) }
func (h *taskHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return x
}

// at schedules run for a time in milliseconds; a past one means soon.
func (s *scheduler) at(ms int64, run func()) {
	s.added++
	t := &task{at: ms, order: s.added, run: run}
	heap.Push(&s.tasks, t)
	if s.tasks[0] == t {
		s.arm()
	}
}

// arm sets the timer for the next task, if there is a master to run it.
func (s *scheduler) arm() {
	s.disarm()
	if len(s.tasks) == 0 || s.set.master() == nil {
		return
	}
	next := s.tasks[0].at
	s.stop = s.set.clock.AfterFunc(millis(max(0, next-s.set.now())), s.runDue)
}

func (s *scheduler) disarm() {
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

// runDue runs the tasks whose time has come.
func (s *scheduler) runDue() {
	s.set.mu.Lock()
	defer s.set.mu.Unlock()
	for len(s.tasks) > 0 && s.tasks[0].at <= s.set.now() && s.set.master() != nil {
		heap.Pop(&s.tasks).(*task).run()
	}
	s.arm()
}
