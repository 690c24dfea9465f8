package transport_test

// loopsHere: the best transport of this system has event loops.
const loopsHere = true
