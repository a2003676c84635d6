"""Jobs past one machine: Ray carries the shards of the input to actors, each of which runs its shard as a job of its own."""
