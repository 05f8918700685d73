"""App configuration."""

from django.apps import AppConfig


class TcpGatewayConfig(AppConfig):
    name = "tcpgateway"
    verbose_name = "TCP gateway"
