# Answers for the cluster domain. Two at least, on machines whose addresses the domain's NS records lead to.
#   nomad job run deploy/nomad/dns.nomad.hcl

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

# Names of the dns servers, as the parent zone has them.
variable "nameservers" {
  type    = list(string)
  default = ["ns1.example.com", "ns2.example.com"]
}

job "spawner-dns" {
  datacenters = var.datacenters
  type        = "service"

  update {
    max_parallel = 1
    auto_revert  = true
  }

  group "dns" {
    count = 2

    constraint {
      distinct_hosts = true
    }

    network {
      mode = "host"

      port "dns" {
        static = 53
      }

      port "grpc" {
        static = 50054
      }

      port "admin" {
        static = 9105
      }
    }

    service {
      name     = "spawner-dns"
      port     = "dns"
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
      name     = "spawner-dns-grpc"
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

    task "dns" {
      driver       = "docker"
      kill_timeout = "20s"
      # Ports below 1024 of the machine's own network take root, of which nothing else is left here.
      user = "root"

      config {
        image        = "${var.image_prefix}/dns:${var.version}"
        network_mode = "host"
        cap_drop     = ["all"]
        cap_add      = ["net_bind_service"]
      }

      env {
        SPAWNER_CLUSTER               = var.cluster
        SPAWNER_CLUSTER_DOMAIN        = var.cluster_domain
        SPAWNER_BIND_ADDRESS          = "${attr.unique.network.ip-address}"
        SPAWNER_REDIS_URL             = var.redis_url
        SPAWNER_DNS_PORT              = "${NOMAD_PORT_dns}"
        SPAWNER_DNS_GRPC_PORT         = "${NOMAD_PORT_grpc}"
        SPAWNER_DNS_ADMIN_PORT        = "${NOMAD_PORT_admin}"
        SPAWNER_DNS_ADVERTISE_ADDRESS = "${NOMAD_ADDR_grpc}"
        SPAWNER_DNS_NAMESERVERS       = join(",", var.nameservers)
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
        memory = 192
      }
    }
  }
}
