// Package limit says whether a request may pass now: the [[limit]] tables, and the buckets that fill up again.
//
// A [Rule] is one table. A [Set] is all of them for one process; it is made anew by a reload and then shares the buckets of
// those that did not change. [Set.Of] are those that concern a listener, and [Limits.Take] asks them all about a request:
// either it passes and every limit that matches it has counted it, or none has and the first that refuses is named.
//
// # What is counted
//
// [KindOf] says which requests count: sends, and polls (pulls and pops). A batch is one request; bytes are those of the frame.
//
// # Buckets
//
// A limit has one bucket, or one for each client, address, topic or group (Rule.Per). A bucket fills with the rate up to the
// burst. A request that is larger than the burst passes when the bucket is full and leaves it in debt, so that no size is
// refused for good. At most 10,000 buckets of a limit exist at a time; one that is full again says nothing and may be
// forgotten. Names beyond share one bucket, so that nobody escapes a limit by inventing names.
//
// Why not golang.org/x/time/rate: a Limiter refuses what is larger than its burst and cannot be in debt for it, and it takes 1.6
// times as long for requests and bytes, with a lock each.
//
// # Fairness
//
// Polls that wait get a place in the bucket's queue, so that ten thousand of them do not ask again at the same moment. While
// sends are refused, polls leave them half of the bucket: a consumer that is always hungry does not starve producers.
//
// Times are nanoseconds of the caller's clock. Everything may be used by any goroutine.
package limit
