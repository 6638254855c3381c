"""What people look at: wording, drawings and pages."""
