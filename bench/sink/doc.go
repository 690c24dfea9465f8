// Package sink is what stands behind the candidates: a name server and a broker in one process, on one thread, which
// answer by copying. What a candidate costs is then all that there is to see.
package sink
