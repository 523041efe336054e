# One on every drone, where users' browsers reach it; it connects to the drone's backends on their own network.
#   nomad job run deploy/nomad/proxy.nomad.hcl

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

job "spawner-proxy" {
  datacenters = var.datacenters
  type        = "system"

  update {
    max_parallel = 1
    stagger      = "10s"
  }

  group "proxy" {
    network {
      mode = "host"

      port "http" {
        static = 80
      }

      port "https" {
        static = 443
      }

      port "admin" {
        static = 9104
      }
    }

    # Its routes and certificate outlive it, so that it can start while the rest of the cluster is away.
    ephemeral_disk {
      sticky = true
    }

    service {
      name     = "spawner-proxy"
      port     = "https"
      provider = "nomad"

      check {
        type     = "http"
        port     = "admin"
        path     = "/readyz"
        interval = "5s"
        timeout  = "3s"
      }
    }

    task "proxy" {
      driver       = "docker"
      kill_timeout = "20s"
      # Ports below 1024 of the machine's own network take root, of which nothing else is left here.
      user = "root"

      config {
        image        = "${var.image_prefix}/proxy:${var.version}"
        network_mode = "host"
        cap_drop     = ["all"]
        cap_add      = ["net_bind_service"]
      }

      env {
        SPAWNER_CLUSTER                = var.cluster
        SPAWNER_CLUSTER_DOMAIN         = var.cluster_domain
        SPAWNER_BIND_ADDRESS           = "${attr.unique.network.ip-address}"
        SPAWNER_REDIS_URL              = var.redis_url
        SPAWNER_NATS_URL               = var.nats_url
        SPAWNER_PROXY_HTTP_PORT        = "${NOMAD_PORT_http}"
        SPAWNER_PROXY_HTTPS_PORT       = "${NOMAD_PORT_https}"
        SPAWNER_PROXY_ADMIN_PORT       = "${NOMAD_PORT_admin}"
        SPAWNER_PROXY_DRONE_ID         = "${node.unique.id}"
        SPAWNER_PROXY_REGION           = "${node.datacenter}"
        SPAWNER_PROXY_PUBLIC_ADDRESSES = "${attr.unique.network.ip-address}"
        SPAWNER_PROXY_HTTPS            = "true"
        SPAWNER_PROXY_STATE_DIR        = "${NOMAD_ALLOC_DIR}/data"
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

      template {
        destination = "local/certificates.env"
        env         = true
        data        = <<-EOT
          {{ with nomadService "spawner-certificates" }}
          SPAWNER_PROXY_CERTIFICATES_ADDRESS=ipv4:{{ range $i, $one := . }}{{ if $i }},{{ end }}{{ $one.Address }}:{{ $one.Port }}{{ end }}
          {{ end }}
        EOT
      }

      resources {
        cpu    = 500
        memory = 512
      }
    }
  }
}
