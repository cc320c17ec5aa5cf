//! Cluster mode.

use crate::config::checks;
use crate::config::choices::EndpointType;

super::rows! {
    Cluster;
    /// Be a node of a cluster.
    CLUSTER_ENABLED: bool = flag("cluster-enabled", false).immutable().inert();
    /// File where the node keeps what it knows of the cluster.
    CLUSTER_CONFIG_FILE: str = text("cluster-config-file", "nodes.conf").immutable().inert();
    /// Milliseconds after which an unreachable node is taken to have failed.
    CLUSTER_NODE_TIMEOUT: i64 = int("cluster-node-timeout", 15_000).range(0, i64::MAX).inert();
    /// Milliseconds between pings of a node.
    CLUSTER_PING_INTERVAL: i64 = int("cluster-ping-interval", 0).range(0, i64::MAX).hidden().inert();
    /// Port of the cluster bus; 0 for the data port plus 10000.
    CLUSTER_PORT: i64 = int("cluster-port", 0).range(0, 65535).immutable().inert();
    /// How old data of a replica may be for it to take over, in node timeouts.
    CLUSTER_REPLICA_VALIDITY_FACTOR: i64 =
        int("cluster-replica-validity-factor", 10).alias("cluster-slave-validity-factor").inert();
    /// Replicas a master keeps before one may migrate to another master.
    CLUSTER_MIGRATION_BARRIER: i64 = int("cluster-migration-barrier", 1).inert();
    /// Let replicas migrate to masters that have none.
    CLUSTER_ALLOW_REPLICA_MIGRATION: bool = flag("cluster-allow-replica-migration", true).inert();
    /// Refuse queries unless all slots are served.
    CLUSTER_REQUIRE_FULL_COVERAGE: bool = flag("cluster-require-full-coverage", true).inert();
    /// Never let this replica take over by itself.
    CLUSTER_REPLICA_NO_FAILOVER: bool =
        flag("cluster-replica-no-failover", false).alias("cluster-slave-no-failover").inert();
    /// Serve reads while the cluster is down.
    CLUSTER_ALLOW_READS_WHEN_DOWN: bool = flag("cluster-allow-reads-when-down", false).inert();
    /// Serve sharded channels while the cluster is down.
    CLUSTER_ALLOW_PUBSUBSHARD_WHEN_DOWN: bool = flag("cluster-allow-pubsubshard-when-down", true).inert();
    /// Bytes queued at most for one link of the cluster bus; 0 for any number.
    CLUSTER_LINK_SENDBUF_LIMIT: u64 = memory("cluster-link-sendbuf-limit", 0).size_range(0, u64::MAX).inert();
    /// Host name the node announces.
    CLUSTER_ANNOUNCE_HOSTNAME: str =
        optional("cluster-announce-hostname").checked(checks::announced_hostname).inert();
    /// Name for humans the node announces.
    CLUSTER_ANNOUNCE_HUMAN_NODENAME: str =
        optional("cluster-announce-human-nodename").checked(checks::announced_nodename).inert();
    /// What clients are told to connect to.
    CLUSTER_PREFERRED_ENDPOINT_TYPE: EndpointType = choice(
        "cluster-preferred-endpoint-type",
        EndpointType::NAMES,
        EndpointType::Ip as i64,
    )
    .inert();
    /// Address the node announces.
    CLUSTER_ANNOUNCE_IP: str = optional("cluster-announce-ip").inert();
    /// Port the node announces.
    CLUSTER_ANNOUNCE_PORT: i64 = int("cluster-announce-port", 0).range(0, 65535).inert();
    /// TLS port the node announces.
    CLUSTER_ANNOUNCE_TLS_PORT: i64 = int("cluster-announce-tls-port", 0).range(0, 65535).inert();
    /// Port of the cluster bus the node announces.
    CLUSTER_ANNOUNCE_BUS_PORT: i64 = int("cluster-announce-bus-port", 0).range(0, 65535).inert();
    /// Percentage of commands that are checked for whether a cluster could run them.
    CLUSTER_COMPATIBILITY_SAMPLE_RATIO: i64 = int("cluster-compatibility-sample-ratio", 0).range(0, 100).inert();
}
