//! Processors.

super::rows! {
    Advanced;
    /// Processors for the threads that serve clients.
    SERVER_CPULIST: str = optional("server-cpulist").alias("server_cpulist").immutable().inert();
    /// Processors for background threads.
    BIO_CPULIST: str = optional("bio-cpulist").alias("bio_cpulist").immutable().inert();
    /// Processors for the rewrite of the append only file.
    AOF_REWRITE_CPULIST: str = optional("aof-rewrite-cpulist").alias("aof_rewrite_cpulist").immutable().inert();
    /// Processors for snapshots.
    BGSAVE_CPULIST: str = optional("bgsave-cpulist").alias("bgsave_cpulist").immutable().inert();
}
