# Gets the cluster's certificate from an ACME authority and hands it to the proxies.
#   nomad job run deploy/nomad/certificates.nomad.hcl

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

variable "acme_directory" {
  type    = string
  default = "https://acme-v02.api.letsencrypt.org/directory"
}

variable "acme_email" {
  type    = string
  default = ""
}

job "spawner-certificates" {
  datacenters = var.datacenters
  type        = "service"

  update {
    max_parallel = 1
    auto_revert  = true
  }

  group "certificates" {
    count = 1

    constraint {
      distinct_hosts = true
    }

    network {
      mode = "host"

      port "grpc" {
        static = 50055
      }

      port "admin" {
        static = 9106
      }
    }

    # The account survives where the allocation is replaced on the same machine.
    ephemeral_disk {
      sticky  = true
      migrate = true
    }

    service {
      name     = "spawner-certificates"
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

    task "certificates" {
      driver       = "docker"
      kill_timeout = "20s"

      config {
        image        = "${var.image_prefix}/certificates:${var.version}"
        network_mode = "host"
      }

      env {
        SPAWNER_CLUSTER                        = var.cluster
        SPAWNER_CLUSTER_DOMAIN                 = var.cluster_domain
        SPAWNER_BIND_ADDRESS                   = "${attr.unique.network.ip-address}"
        SPAWNER_REDIS_URL                      = var.redis_url
        SPAWNER_CERTIFICATES_PORT              = "${NOMAD_PORT_grpc}"
        SPAWNER_CERTIFICATES_ADMIN_PORT        = "${NOMAD_PORT_admin}"
        SPAWNER_CERTIFICATES_ADVERTISE_ADDRESS = "${NOMAD_ADDR_grpc}"
        SPAWNER_CERTIFICATES_ISSUER            = "acme"
        SPAWNER_CERTIFICATES_ACME_DIRECTORY    = var.acme_directory
        SPAWNER_CERTIFICATES_ACME_EMAIL        = var.acme_email
        SPAWNER_CERTIFICATES_STATE_DIR         = "${NOMAD_ALLOC_DIR}/data"
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

      # Challenges are set at one dns server, and all of them answer from one table; each is asked whether it does.
      template {
        destination = "local/dns.env"
        env         = true
        data        = <<-EOT
          {{ with nomadService "spawner-dns-grpc" }}
          SPAWNER_CERTIFICATES_DNS_ADDRESSES={{ range $i, $one := . }}{{ if $i }},{{ end }}{{ $one.Address }}:{{ $one.Port }}{{ end }}
          {{ end }}
          {{ with nomadService "spawner-dns" }}
          SPAWNER_CERTIFICATES_DNS_RESOLVERS={{ range $i, $one := . }}{{ if $i }},{{ end }}{{ $one.Address }}:{{ $one.Port }}{{ end }}
          {{ end }}
        EOT
      }

      resources {
        cpu    = 100
        memory = 192
      }
    }
  }
}
