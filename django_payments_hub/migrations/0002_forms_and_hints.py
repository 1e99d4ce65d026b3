from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments_hub', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='payment',
            name='led_on_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='payment',
            name='look_up_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['look_up_at'], name='payments_hub_payment_hinted'),
        ),
    ]
