# One on every machine that runs backends (a drone). The Docker plugin must allow volumes (`volumes { enabled = true }`).
# Services listen on the machine's address: its firewall must keep backends, and everybody outside, from their ports.
#   nomad job run deploy/nomad/agent.nomad.hcl

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

variable "nats_url" {
  type    = string
  default = "nats://nats.service.consul:4222"
}

job "spawner-agent" {
  datacenters = var.datacenters
  type        = "system"

  update {
    max_parallel = 1
    stagger      = "10s"
  }

  group "agent" {
    network {
      mode = "host"

      port "grpc" {
        static = 50053
      }

      port "admin" {
        static = 9103
      }
    }

    service {
      name     = "spawner-agent"
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

    task "agent" {
      driver       = "docker"
      kill_timeout = "20s"

      config {
        image        = "${var.image_prefix}/agent:${var.version}"
        network_mode = "host"
        volumes      = ["/var/run/docker.sock:/var/run/docker.sock", "/var/lib/spawner:/var/lib/spawner"]
      }

      env {
        SPAWNER_CLUSTER                 = var.cluster
        SPAWNER_CLUSTER_DOMAIN          = var.cluster_domain
        SPAWNER_BIND_ADDRESS            = "${attr.unique.network.ip-address}"
        SPAWNER_NATS_URL                = var.nats_url
        SPAWNER_AGENT_PORT              = "${NOMAD_PORT_grpc}"
        SPAWNER_AGENT_ADMIN_PORT        = "${NOMAD_PORT_admin}"
        SPAWNER_AGENT_ADVERTISE_ADDRESS = "${NOMAD_ADDR_grpc}"
        SPAWNER_AGENT_DRONE_ID          = "${node.unique.id}"
        SPAWNER_AGENT_REGION            = "${node.datacenter}"
        SPAWNER_AGENT_RUNTIME           = "docker"
      }

      # Every scheduler that Nomad knows of; asked in turn.
      template {
        destination = "local/scheduler.env"
        env         = true
        data        = <<-EOT
          {{ with nomadService "spawner-scheduler" }}
          SPAWNER_SCHEDULER_ADDRESS=ipv4:{{ range $i, $one := . }}{{ if $i }},{{ end }}{{ $one.Address }}:{{ $one.Port }}{{ end }}
          {{ end }}
        EOT
      }

      resources {
        cpu    = 300
        memory = 512
      }
    }
  }
}
