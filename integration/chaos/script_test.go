package chaos

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"
)

// The script of a chaos run. Each target has a tormentor of its own, which does one thing after another to it, so that
// what happens to different targets overlaps. What each does, and how long, follows from the seed and the names of test
// and target; what comes of it does not, as the machine has its say.

// target is something that can be tormented.
type target struct {
	name     string
	torments []torment
}

// torment is one thing that may happen to a target. When do returns, it is over, and the target is whole again; an error
// means that it is not, or that it did not end as it has to.
type torment struct {
	name string
	do   func(s *scene) error
}

// scene is what a torment is given: its chance, and its time.
type scene struct {
	ctx  context.Context // ends with the script
	rand *rand.Rand
	log  func(format string, args ...any)
}

// some is a time of at most so long.
func (s *scene) some(most time.Duration) time.Duration {
	return time.Duration(s.rand.Int64N(int64(most)))
}

// last waits for some time of at most so long, or until the script ends.
func (s *scene) last(most time.Duration) {
	select {
	case <-s.ctx.Done():
	case <-time.After(s.some(most)):
	}
}

// calm is how long a target is left alone between two torments, at most.
const calm = 2 * time.Second

// tormentAll runs the script until ctx ends and all targets are whole again.
func tormentAll(ctx context.Context, t *testing.T, seed uint64, targets []target) (happened int) {
	begun := time.Now()
	var mu sync.Mutex
	var tormentors sync.WaitGroup
	for _, target := range targets {
		name := fnv.New64a()
		name.Write([]byte(t.Name() + target.name))
		s := &scene{ctx: ctx, rand: rand.New(rand.NewPCG(seed, name.Sum64()))}
		s.log = func(format string, args ...any) {
			t.Logf("%7.3f %-10s %s", time.Since(begun).Seconds(), target.name, fmt.Sprintf(format, args...))
		}
		tormentors.Go(func() {
			for s.last(calm); ctx.Err() == nil; s.last(calm) {
				what := target.torments[s.rand.IntN(len(target.torments))]
				s.log("%s", what.name)
				if err := what.do(s); err != nil {
					t.Errorf("seed %d: %s of %s: %v", seed, what.name, target.name, err)
					return
				}
				s.log("whole again")
				mu.Lock()
				happened++
				mu.Unlock()
			}
		})
	}
	tormentors.Wait()
	return happened
}

// longestRound is how long one round of chaos lasts at most: what was sent is kept in memory and read back at its end.
const longestRound = time.Minute

// usualChaos is for `go test ./...`: long enough that each target is tormented a few times.
const usualChaos = 5 * time.Second

// chaosTime is CHAOS_SECONDS.
func chaosTime(t *testing.T) time.Duration {
	return time.Duration(chaosNumber(t, "CHAOS_SECONDS", uint64(usualChaos/time.Second))) * time.Second
}

// chaosSeed is CHAOS_SEED.
func chaosSeed(t *testing.T) uint64 { return chaosNumber(t, "CHAOS_SEED", 1) }

func chaosNumber(t *testing.T, name string, usual uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 0 {
		t.Fatalf("%s = %q is not a number above 0", name, text)
	}
	return n
}

// chaosRounds calls round until the time of the run is used up, with a seed of its own each time: a long run is many
// short ones, and each can be told again alone.
func chaosRounds(t *testing.T, round func(t *testing.T, seed uint64, length time.Duration)) {
	seed := chaosSeed(t)
	for left := chaosTime(t); left > 0 && !t.Failed(); left -= longestRound {
		length := min(left, longestRound)
		t.Run(fmt.Sprintf("seed%d", seed), func(t *testing.T) {
			t.Logf("to see it again: CHAOS_SEED=%d CHAOS_SECONDS=%d", seed, length/time.Second)
			round(t, seed, length)
		})
		seed++
	}
}
