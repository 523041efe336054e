# Places backends and keeps the books. Any number may run: all state is in Redis.
#   nomad job run deploy/nomad/scheduler.nomad.hcl

variable "datacenters" {
  type    = list(string)
  default = ["dc1"]
}

# Images are <image_prefix>/<service>:<version>, made by deploy/docker/Dockerfile.
variable "image_prefix" {
  type    = string
  default = "spawner"
}

variable "version" {
  type    = string
  default = "latest"
}

variable "cluster" {
  type    = string
  default = "local"
}

variable "cluster_domain" {
  type    = string
  default = "spawner.localhost"
}

variable "redis_url" {
  type    = string
  default = "redis://redis.service.consul:6379"
}

variable "nats_url" {
  type    = string
  default = "nats://nats.service.consul:4222"
}

# At least 32 bytes, with which placements are signed: `-var cluster_secret="$(openssl rand -base64 32)"`, and the same
# again at every later run. Two between a comma while one replaces the other: the first signs. Without it drones are
# believed whatever they say they run.
variable "cluster_secret" {
  type    = string
  default = ""
}

job "spawner-scheduler" {
  datacenters = var.datacenters
  type        = "service"

  update {
    max_parallel = 1
    auto_revert  = true
  }

  group "scheduler" {
    count = 2

    constraint {
      distinct_hosts = true
    }

    network {
      mode = "host"

      port "grpc" {
        static = 50052
      }

      port "admin" {
        static = 9102
      }
    }

    service {
      name     = "spawner-scheduler"
      port     = "grpc"
      provider = "nomad"

      check {
        type     = "http"
        port     = "admin"
        path     = "/readyz"
        interval = "5s"
        timeout  = "3s"
      }
    }

    task "scheduler" {
      driver       = "docker"
      kill_timeout = "20s"

      config {
        image        = "${var.image_prefix}/scheduler:${var.version}"
        network_mode = "host"
      }

      env {
        SPAWNER_CLUSTER              = var.cluster
        SPAWNER_CLUSTER_DOMAIN       = var.cluster_domain
        SPAWNER_BIND_ADDRESS         = "${attr.unique.network.ip-address}"
        SPAWNER_REDIS_URL            = var.redis_url
        SPAWNER_NATS_URL             = var.nats_url
        SPAWNER_CLUSTER_SECRET       = var.cluster_secret
        SPAWNER_SCHEDULER_PORT       = "${NOMAD_PORT_grpc}"
        SPAWNER_SCHEDULER_ADMIN_PORT = "${NOMAD_PORT_admin}"
      }

      resources {
        cpu    = 300
        memory = 256
      }
    }
  }
}
