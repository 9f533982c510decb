"""leadflow: raw marketing leads, CRM records and product usage in; scored, explained leads and KPIs out."""

__version__ = "0.1.0"
