// Package convert turns the configuration of Envoy's RocketMQ filter (envoy.filters.network.rocketmq_proxy) into one of
// this proxy.
//
// [Envoy] reads a bootstrap in YAML or JSON and writes TOML:
//
//   - Each listener with the filter becomes a one-port listener with Envoy's dialect (unnamed = "balance").
//   - Each route becomes a [[route]]; one for every topic at the end becomes the listener's cluster.
//   - Each cluster that a route names becomes a [[cluster]]: with a [[cluster.broker]] for each endpoint in the file, or
//     with name_servers = [], which `check` then asks for.
//   - Everything else becomes a comment that says what it was and what there is instead.
//
// The result says what Envoy's configuration says, but need not be complete: `check` tells what is missing.
// docs/FROM-ENVOY.md has each field beside ours.
//
// The input is not trusted: its size and the number of its nodes are bounded, aliases are expanded within these bounds,
// and whatever has another type than Envoy's API says is an error that names the place.
package convert
