# The public API, gRPC and HTTP. Any number; put a load balancer, which asks who may call, before them.
#   nomad job run deploy/nomad/gateway.nomad.hcl

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

job "spawner-gateway" {
  datacenters = var.datacenters
  type        = "service"

  update {
    max_parallel = 1
    auto_revert  = true
  }

  group "gateway" {
    count = 2

    constraint {
      distinct_hosts = true
    }

    network {
      mode = "host"

      port "http" {
        static = 8080
      }

      port "grpc" {
        static = 50051
      }

      port "admin" {
        static = 9101
      }
    }

    service {
      name     = "spawner-gateway"
      port     = "http"
      provider = "nomad"

      check {
        type     = "http"
        port     = "admin"
        path     = "/readyz"
        interval = "5s"
        timeout  = "3s"
      }
    }

    service {
      name     = "spawner-gateway-grpc"
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

    task "gateway" {
      driver       = "docker"
      kill_timeout = "20s"

      config {
        image        = "${var.image_prefix}/gateway:${var.version}"
        network_mode = "host"
      }

      env {
        SPAWNER_CLUSTER            = var.cluster
        SPAWNER_CLUSTER_DOMAIN     = var.cluster_domain
        SPAWNER_BIND_ADDRESS       = "${attr.unique.network.ip-address}"
        SPAWNER_NATS_URL           = var.nats_url
        SPAWNER_GATEWAY_HTTP_PORT  = "${NOMAD_PORT_http}"
        SPAWNER_GATEWAY_GRPC_PORT  = "${NOMAD_PORT_grpc}"
        SPAWNER_GATEWAY_ADMIN_PORT = "${NOMAD_PORT_admin}"
        SPAWNER_GATEWAY_URL_SCHEME = "https"
        SPAWNER_GATEWAY_URL_PORT   = "443"
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
        cpu    = 200
        memory = 256
      }
    }
  }
}
