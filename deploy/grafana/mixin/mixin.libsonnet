// The dashboards and the default rules for tools that read mixins. Made by
// `ipmi_controller dashboards`.
{
  grafanaDashboardFolder:: 'IPMI',
  grafanaDashboards+:: {
    'ipmi-fleet.json': import '../dashboards/en/ipmi-fleet.json',
    'ipmi-server.json': import '../dashboards/en/ipmi-server.json',
    'ipmi-comparison.json': import '../dashboards/en/ipmi-comparison.json',
    'ipmi-power.json': import '../dashboards/en/ipmi-power.json',
    'ipmi-cooling.json': import '../dashboards/en/ipmi-cooling.json',
    'ipmi-alerts.json': import '../dashboards/en/ipmi-alerts.json',
    'ipmi-health.json': import '../dashboards/en/ipmi-health.json',
  },
  prometheusAlerts+:: import 'rules.json',
}
