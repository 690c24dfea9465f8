// Package load is the load generator. It behaves as clients do: it asks for the route, dials what the answer says, and
// keeps requests in flight on each connection. It measures what the candidate spends meanwhile.
package load
