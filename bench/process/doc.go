// Package process starts processes and reads what they cost from Linux: CPU time, memory, context switches and system
// calls of a process with its children, and the CPU time that everything else on the machine took meanwhile.
package process
